"""The task's own prefix, as trusted code: what it defines is the judge's, and a submission cannot replace it."""

import re
import sys
import types

_DEFINITION = re.compile(r'(?:async\s+def|def|class)\s+(\w+)')


class Broken(Exception):
    """The prefix does not say what it defines."""


def load(source, entry):
    """What the prefix defines. It often ends in the middle of the function to be written: that one aside."""
    module = sys.modules['helpers'] = types.ModuleType('helpers')
    code = _compile(source, entry)
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        raise Broken(f'the task’s prefix raises {type(error).__name__}: {error}') from None
    return module.__dict__


def defines_class(source, entry):
    """Whether the task asks for a class: the prefix begins one of that name, or the name is written as a class's."""
    kinds = [line.startswith('class') for line in source.splitlines() if _defined(line) == entry]
    return kinds[-1] if kinds else entry[:1].isupper()


def _compile(source, entry):
    attempts = (source, lambda: _completed(source), lambda: _without_last(source, entry))
    for attempt in attempts:
        text = attempt if type(attempt) is str else attempt()
        try:
            return compile(text, '<helpers>', 'exec', dont_inherit=True)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            fault = error
    raise Broken(f'the task’s prefix does not compile: {fault}')


def _completed(source):
    """With a body for the signature that it ends in."""
    last = source.rstrip().rpartition('\n')[2]
    return f'{source.rstrip()}\n{last[: len(last) - len(last.lstrip())]}    pass\n'


def _without_last(source, entry):
    """Up to its last statement, which must define nothing else than what is to be written."""
    lines = source.split('\n')
    for n in range(len(lines) - 1, -1, -1):
        if lines[n][:1].strip() in ('', '#', ')', ']', '}'):
            continue
        kept = '\n'.join(lines[:n])
        try:
            compile(kept, '<helpers>', 'exec', dont_inherit=True)
        except (SyntaxError, ValueError):
            continue
        others = {_defined(line) for line in lines[n:]} - {None, entry}
        if others:
            raise Broken(f'the task’s prefix does not compile where it defines {", ".join(sorted(others))}')
        return kept
    return source


def _defined(line):
    match = _DEFINITION.match(line)
    return match and match.group(1)
