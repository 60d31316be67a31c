"""What a seal holds: every byte of a published body, of its hash and of its signature."""

import json

from hypothesis import given
from hypothesis import strategies as st

from awooop.kit import canonical, ids
from contracts import seals, signing
from contracts.models import ContractRevision, ContractSignature

BODIES = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3),
        max_leaves=4,
    ),
    min_size=1,
    max_size=4,
).filter(lambda body: "\\ud" not in json.dumps(body))


def sealed(body):
    made = ContractRevision(
        project_id="acme",
        revision_id=ids.new_id(),
        contract_family="agent",
        contract_id="helper",
        version_major=1,
        version_minor=0,
        body=body,
        body_hash=canonical.sha256_of(body),
        created_by="operator:ann",
    )
    made.key_id, made.signature = signing.sign(seals.of_revision(made))
    return made


def changed(text, at, bit):
    spelled = bytearray(text.encode())
    spelled[at % len(spelled)] ^= 1 << bit
    return bytes(spelled)


class TestRevision:
    @given(body=BODIES, at=st.integers(0, 10**6), bit=st.integers(0, 6))
    def test_is_unsound_after_any_change_of_its_body(self, body, at, bit):
        revision = sealed(body)
        assert seals.is_sound(revision)
        spelled = canonical.canonical(body).decode()
        try:
            other = json.loads(changed(spelled, at, bit))
        except ValueError:
            return  # no JSON: the database would not have it
        if other == body and canonical.canonical(other) == spelled.encode():
            return  # another spelling of the same body
        revision.body = other
        assert not seals.is_sound(revision)

    @given(
        at=st.integers(0, 63),
        bit=st.integers(0, 6),
        name=st.sampled_from(["body_hash", "signature", "key_id", "contract_id", "created_by"]),
    )
    def test_is_unsound_after_any_change_of_what_was_signed(self, at, bit, name):
        revision = sealed({"agent_id": "helper"})
        setattr(revision, name, changed(getattr(revision, name), at, bit).decode("latin-1"))
        assert not seals.is_sound(revision)


class TestSignature:
    @given(
        at=st.integers(0, 63),
        bit=st.integers(0, 6),
        name=st.sampled_from(["body_hash", "signature", "key_id", "signer"]),
    )
    def test_counts_no_more_after_any_change(self, at, bit, name):
        revision = sealed({"agent_id": "helper"})
        made = ContractSignature(
            project_id="acme",
            revision_id=revision.revision_id,
            signer="operator:ann",
            body_hash=revision.body_hash,
        )
        made.key_id, made.signature = signing.sign(seals.of_signature(made))
        assert seals.counts(made, revision)
        setattr(made, name, changed(getattr(made, name), at, bit).decode("latin-1"))
        assert not seals.counts(made, revision)

    def test_of_another_revision_with_the_same_body_does_not_count(self):
        one, other = sealed({"a": 1}), sealed({"a": 1})
        made = ContractSignature(
            project_id="acme",
            revision_id=one.revision_id,
            signer="operator:ann",
            body_hash=one.body_hash,
        )
        made.key_id, made.signature = signing.sign(seals.of_signature(made))
        assert not seals.counts(made, other)
