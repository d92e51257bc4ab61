from __future__ import annotations

import pytest

from sightglass.inputs.url_secrets import unsigned, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/a.jpg?sig=x", "https://host/a.jpg"),
        ("cannot open 'https://host/a?b=c&d': no", "cannot open 'https://host/a': no"),
        ("http://a/?x=1 and http://b/?y=2", "http://a/ and http://b/"),
        ("s3://bucket/what.jpg", "s3://bucket/what.jpg"),
        ("abfs://container@account/a.jpg", "abfs://container@account/a.jpg"),
        ("is this right? yes", "is this right? yes"),
    ],
)
def test_a_message_keeps_the_address_and_nothing_that_opens_it(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        (
            "https://b.s3.amazonaws.com/a.jpg?X-Amz-Algorithm=AWS4&X-Amz-Signature=5f&X-Amz-Date=2",
            "https://b.s3.amazonaws.com/a.jpg",
        ),
        ("https://h/a?id=7&sv=2020&sig=x%3D&se=2026", "https://h/a?id=7"),
        ("https://h/a?Expires=1&Signature=x&Key-Pair-Id=K&size=big", "https://h/a?size=big"),
        ("HTTPS://me:pw@h/a?id=7", "HTTPS://h/a?id=7"),
        ("https://h/a?significant=1", "https://h/a?significant=1"),
        ("s3://b/odd?sig=name.jpg", "s3://b/odd?sig=name.jpg"),
        ("sftp://me:pw@h/a.jpg", "sftp://h/a.jpg"),
    ],
)
def test_what_is_kept_of_a_url_is_the_same_for_every_signature(url: str, kept: str) -> None:
    assert unsigned(url) == kept
