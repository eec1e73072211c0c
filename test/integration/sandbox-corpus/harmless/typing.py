# expect: AC
from __future__ import annotations

from typing import List, Optional, Union


def add(a: int, b: Optional[int] = None) -> Union[int, float]:
    numbers: List[int] = [a, b or 0]
    return sum(numbers)
