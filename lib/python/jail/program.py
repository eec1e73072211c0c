"""The child that runs a submission."""

import atexit
import builtins
import gc
import io
import json
import os
import sys
import threading
import traceback
import types

from faults import Closed, Malformed
from peer import Peer

END = 4
FROM_JUDGE, TO_JUDGE = 5, 6
_NAME = '<submission>'
_TEXT = 300
_TRACEBACK = 4000


def open_streams():
    """Standard streams on descriptors 0 to 2, made once in the zygote: a child only puts its own files below them."""
    sys.stdin = io.TextIOWrapper(open(0, 'rb', closefd=False), encoding='utf-8')
    sys.stdout = io.TextIOWrapper(open(1, 'wb', closefd=False), encoding='utf-8')
    sys.stderr = io.TextIOWrapper(
        open(2, 'wb', closefd=False), encoding='utf-8', errors='backslashreplace', line_buffering=True
    )
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    sys.argv = ['']
    builtins.exit = builtins.quit = sys.exit


def run(source):
    """As `python file.py` would: main module, exit code, threads awaited, exit handlers called."""
    module = _module('__main__')
    code = _load(source, module)
    if code is None:
        threading._shutdown()
        atexit._run_exitfuncs()
    return _flush(code or 0)


def serve(source):
    """Loads the submission as a module, then answers its judge until that is done."""
    module = _module('submission')
    peer = Peer('P', FROM_JUDGE, TO_JUDGE)
    peer.bind(module.__dict__)
    code = _load(source, module)
    if code is None:
        try:
            peer.serve()
        except (Closed, Malformed):
            pass
    return _flush(code or 0)


def _module(name):
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module


def _load(source, module):
    """None when the program ran to its end, else the exit code."""
    gc.enable()
    try:
        code = compile(source, _NAME, 'exec', dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        _end('syntax', error)
        _print_traceback(error, None)
        return 1
    except (MemoryError, RecursionError, OverflowError) as error:
        _end('exception', error)
        return 1
    try:
        exec(code, module.__dict__)
    except SystemExit as error:
        return _exit_code(error)
    except BaseException as error:
        _end('exception', error)
        _print_traceback(error, error.__traceback__.tb_next)
        return 1
    return None


def _exit_code(error):
    _end('exit', error)
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _print_traceback(error, trace):
    """What a person would see, cut: an error may quote the whole program."""
    try:
        sys.stderr.write(''.join(traceback.format_exception(type(error), error, trace))[-_TRACEBACK:])
    except BaseException:
        pass


def _end(how, error):
    """Tells the driver how it ended: a hint for the reader of the verdict, never a reason to pass."""
    try:
        text = str(error)[:_TEXT]
    except BaseException:
        text = ''
    try:
        os.write(END, json.dumps({'end': how, 'type': type(error).__name__, 'text': text}).encode())
    except (OSError, MemoryError):
        pass


def _flush(code):
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            code = code or 120  # as CPython does
    return code
