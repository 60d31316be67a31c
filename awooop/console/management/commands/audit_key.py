"""`audit_key [--new]`: the public keys that checkpoints are believed by, or a new pair."""

from argparse import ArgumentParser
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from awooop.audit import signatures
from awooop.errors import AwoooPError


class Command(BaseCommand):
    help = "Show the public keys of the audit's checkpoints; --new makes a pair to rotate to."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new", action="store_true", help="make a pair; change nothing")

    def handle(self, *_: Any, new: bool, **__: Any) -> None:
        try:
            present = signatures.signer().public_key()
            for key_id, key in signatures.trusted().items():
                use = "signs" if key_id == signatures.key_id(present) else "is believed"
                self.stdout.write(f"{key_id}  {signatures.public(key)}  {use}")
        except AwoooPError as refusal:
            raise CommandError(f"{refusal} {refusal.code.hint}") from None
        if new:
            made = Ed25519PrivateKey.generate()
            seed = made.private_bytes_raw().hex()
            self.stdout.write(f"\nAUDIT_SIGNING_KEY={seed}  (secret; shown once)")
            self.stdout.write(f"AUDIT_VERIFY_KEYS={_kept(signatures.public(present))}")


def _kept(present: str) -> str:
    return ",".join(dict.fromkeys([*settings.AUDIT_VERIFY_KEYS, present]))
