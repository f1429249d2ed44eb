"""What a test can say of itself, as decorators. conftest.py makes skips of them."""
import inspect

import pytest

builtin_fails = pytest.mark.builtin_fails  # "does what is wrong": skipped with --builtin
slow = pytest.mark.slow                    # "why": skipped without --slow
since = pytest.mark.since                  # "25.12", "how it is before": skipped with a lightningd from before v25.12
before = pytest.mark.before                # "25.12", "how it is since": skipped with v25.12 and newer ones

withheld = since("25.12", "no channel can be withheld: what bitcoind refuses is in doubt")
cancels_one_of_two = since("25.12", "a secured channel stays while its peer has an older one that awaits lock-in")


def cases(table, quick=None):
    """One case of the test for each entry: label -> tuple of its last arguments. quick: the labels of those that run
    without --slow, if not all."""
    values = [pytest.param(*arguments, id=label,
                           marks=() if quick is None or label in quick else slow("more of the same"))
              for label, arguments in table.items()]

    def parametrized(function):
        names = list(inspect.signature(function).parameters)
        return pytest.mark.parametrize(names[-len(values[0].values):], values)(function)
    return parametrized
