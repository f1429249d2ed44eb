"""What a test can say of itself, as decorators. conftest.py makes skips of them."""
import inspect

import pytest

builtin_fails = pytest.mark.builtin_fails  # "does what is wrong": skipped with --builtin
slow = pytest.mark.slow                    # "why": skipped without --slow
thorough = pytest.mark.thorough            # "why": skipped without --thorough, with which CI runs, or --slow
since = pytest.mark.since                  # "25.12", "how it is before": skipped with a lightningd from before v25.12
before = pytest.mark.before                # "25.12", "how it is since": skipped with v25.12 and newer ones

withheld = since("25.12", "no channel can be withheld: what bitcoind refuses is in doubt")
cancels_one_of_two = since("25.12", "a secured channel stays while its peer has an older one that awaits lock-in")


def cases(table, quick=None, usual=None):
    """One case of the test for each entry: label -> tuple of its last arguments. quick: the labels of those that run
    without --slow, if not all; usual: of those among them that also run without --thorough, if not all."""
    def marks_of(label):
        if quick is not None and label not in quick:
            return slow("more of the same")
        return () if usual is None or label in usual else thorough("more of the same")
    values = [pytest.param(*arguments, id=label, marks=marks_of(label)) for label, arguments in table.items()]

    def parametrized(function):
        names = list(inspect.signature(function).parameters)
        return pytest.mark.parametrize(names[-len(values[0].values):], values)(function)
    return parametrized
