from __future__ import annotations

import pytest

from sightglass.inputs.remote_patience import in_words
from sightglass.inputs.url_secrets import text_without_secrets, unsigned, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@host/a.jpg?sig=x", "https://host/a.jpg"),
        ("cannot open 'https://host/a?b=c&d': no", "cannot open 'https://host/a': no"),
        ("http://a/?x=1 and http://b/?y=2", "http://a/ and http://b/"),
        ("s3://bucket/what.jpg", "s3://bucket/what.jpg"),
        ("abfs://container@account/a.jpg", "abfs://container@account/a.jpg"),
        ("is this right? yes", "is this right? yes"),
        ("(see https://h/a?name=(1)&sig=HUSH).", "(see https://h/a)."),
        ("cannot open https://h/a?x='1'&X-Amz-Signature=HUSH", "cannot open https://h/a"),
        ("no: ftp://HUSH@h/a, sftp://me:HU@SH@h/b", "no: ftp://h/a, sftp://h/b"),
    ],
)
def test_a_message_keeps_the_address_and_nothing_that_opens_it(text: str, shown: str) -> None:
    assert text_without_secrets(text) == shown
    assert in_words(Exception(text)) == shown


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("https://h/a?name=(1)&sig=HUSH", "https://h/a"),
        ("https://h/a?name='a b'&sig=HUSH", "https://h/a"),
        ('https://h/a?name="<1>"&sig=HUSH', "https://h/a"),
        ("https://glpat-HUSH@gitlab.com/a.jpg", "https://gitlab.com/a.jpg"),
        ("HTTPS://me:HU@SH@h/a@b.jpg", "HTTPS://h/a@b.jpg"),
        ("s3://bucket/a@b.jpg", "s3://bucket/a@b.jpg"),
        ("abfss://container@account/a.jpg", "abfss://container@account/a.jpg"),
        ("zip://a::https://me:HUSH@h/a.zip?sig=HUSH", "zip://a::https://h/a.zip"),
        ("https://me:HU?SH@h/a.jpg?x=1", "https://h/a.jpg"),
        ("photos/what?*.jpg", "photos/what?*.jpg"),
        ("file:///photos/what?*.jpg", "file:///photos/what?*.jpg"),
    ],
)
def test_a_source_is_named_by_its_address_whatever_its_query_holds(source: str, shown: str) -> None:
    assert without_secrets(source) == shown


def test_a_message_of_a_megabyte_takes_no_longer_than_a_short_one() -> None:
    assert len(in_words(Exception("://" * 350_000))) == 200
    assert text_without_secrets("http://h/?" + "'" * 1_000_000).startswith("http://h/'")


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
        ("https://token@h/a.jpg", "https://h/a.jpg"),
        ("abfs://container@account/a.jpg", "abfs://container@account/a.jpg"),
        ("https://h/r?sr=1", "https://h/r?sr=1"),
        ("https://h/r?se=1&expires=2&policy=x", "https://h/r?se=1&expires=2&policy=x"),
        ("https://h/r?signature=cursive", "https://h/r?signature=cursive"),
        ("https://h/r?AWSAccessKeyId=K&Expires=1&Signature=x&v=2", "https://h/r?v=2"),
        ("https://h/r?X-Goog-Signature=x&sr=1", "https://h/r?sr=1"),
    ],
)
def test_what_is_kept_of_a_url_is_the_same_for_every_signature(url: str, kept: str) -> None:
    assert unsigned(url) == kept
