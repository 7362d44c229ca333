"""Every error rampgate raises on purpose, in one tree.

::

    RampgateError            exit code 1: could not judge; treat it as HOLD
    |- UsageError            exit code 2: wrong arguments
    |  `- Unclear            exit code 2: a table says too little to be guessed from; names what to say
    |- PolicyError           exit code 2: the policy file is wrong; carries file and line
    |  `- NotJudgedYet       exit code 2: a legal section that this version cannot judge
    |- SourceError           exit code 1: the rows cannot be read
    |  `- ColumnError        exit code 2: the policy does not fit the source's columns
    |- DataError             exit code 1: the rows were read and make no sense as a whole
    |  `- NotStarted         exit code 1: the table has rows of the baseline and none of the candidate
    `- LedgerError           exit code 1: the ledger cannot be read or written
       |- LedgerMoved        another process recorded first; read the state again
       `- NewerLedger        a newer version of rampgate wrote it

Each error says *what* is wrong, *where*, and the *remedy*. Errors of libraries are
mapped into this tree where they arise and never cross it.
"""

from __future__ import annotations


class RampgateError(Exception):
    """Base of all errors of this package.

    Parameters
    ----------
    what : str
        What is wrong, as a sentence without a final stop.
    where : str, optional
        File and line, column and count, or the object concerned.
    remedy : str, optional
        What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  remedy: {self.remedy}" if self.remedy else text


class UsageError(RampgateError):
    """Wrong arguments on the command line or in a call."""

    exit_code = 2


class Unclear(UsageError):
    """A table does not say something safely enough to guess it.

    Parameters
    ----------
    role : str
        What has to be said, as a field of ``rampgate.guess.Given``.
    choices : tuple of str
        What it may be, as far as the table tells.
    """

    def __init__(
        self,
        role: str,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        choices: tuple[str, ...] = (),
    ) -> None:
        self.role = role
        self.choices = choices
        super().__init__(what, where=where, remedy=remedy)


class PolicyError(RampgateError):
    """The policy is not valid: unknown key, impossible value, contradiction."""

    exit_code = 2


class NotJudgedYet(PolicyError):
    """The policy asks for something that this version cannot judge, so it judges nothing."""


class SourceError(RampgateError):
    """The source cannot be opened or read."""


class ColumnError(SourceError):
    """The policy names columns that the source does not have, or of a wrong type."""

    exit_code = 2


class DataError(RampgateError):
    """The rows were read, and no decision can be based on them."""


class NotStarted(DataError):
    """The table holds the baseline alone: before a launch, or when the candidate's name is misspelt."""


class LedgerError(RampgateError):
    """The ledger cannot be opened, read or written; nothing was changed."""


class LedgerMoved(LedgerError):
    """Another process appended to this rollout since its state was read."""


class NewerLedger(LedgerError):
    """The ledger, or a record in it, was written by a newer version of rampgate."""
