"""Every E-code AwoooP can answer with, and the families that carry them.

This package imports nothing of ours, so that everything of ours may import it.
"""

from awooop.errors.codes import Code as Code
from awooop.errors.families import AwoooPError as AwoooPError
from awooop.errors.families import Conflict as Conflict
from awooop.errors.families import Corrupt as Corrupt
from awooop.errors.families import Exhausted as Exhausted
from awooop.errors.families import Invalid as Invalid
from awooop.errors.families import NotFound as NotFound
from awooop.errors.families import Refused as Refused
from awooop.errors.families import Unauthenticated as Unauthenticated
from awooop.errors.families import Unavailable as Unavailable
