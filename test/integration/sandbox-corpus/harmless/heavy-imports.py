# expect: AC
import collections
import csv
import decimal
import fractions
import hashlib
import heapq
import itertools
import json
import math
import random
import re
import statistics


def add(a, b):
    return int(fractions.Fraction(a) + fractions.Fraction(b))
