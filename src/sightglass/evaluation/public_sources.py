"""Where people get the data sets of the literature: they may not be passed on with a program."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicSource:
    """A data set as its authors publish it.

    Attributes:
        name: One word, as ``open_set_splits`` and the suites call it.
        title: As its authors write it.
        files: What to download or unpack, in words.
        site: Whose page has it, with its address.
    """

    name: str
    title: str
    files: str
    site: str

    @property
    def wanted(self) -> str:
        """Which files are wanted and where people get them; a whole sentence."""
        return f"{self.title} is {self.files}; get it from {self.site}."


PUBLIC_SOURCES = {
    source.name: source
    for source in (
        PublicSource(
            name="mnist",
            title="MNIST",
            files="the files t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or both .gz)",
            site="Yann LeCun's MNIST page (http://yann.lecun.com/exdb/mnist/)",
        ),
        PublicSource(
            name="svhn",
            title="SVHN",
            files="the file test_32x32.mat (format 2, cropped digits)",
            site="the Street View House Numbers page of Stanford University "
            "(http://ufldl.stanford.edu/housenumbers/)",
        ),
        PublicSource(
            name="cifar10",
            title="CIFAR-10",
            files="the folder cifar-10-batches-py (the version for Python, unpacked)",
            site="the CIFAR page of the University of Toronto "
            "(https://www.cs.toronto.edu/~kriz/cifar.html)",
        ),
        PublicSource(
            name="cifar100",
            title="CIFAR-100",
            files="the folder cifar-100-python (the version for Python, unpacked)",
            site="the CIFAR page of the University of Toronto "
            "(https://www.cs.toronto.edu/~kriz/cifar.html)",
        ),
        PublicSource(
            name="tinyimagenet",
            title="TinyImageNet",
            files="the folder tiny-imagenet-200 (unpacked)",
            site="the course CS231n of Stanford University "
            "(http://cs231n.stanford.edu/tiny-imagenet-200.zip)",
        ),
    )
}


def letters_of(name: str) -> str:
    """Lower-case letters and digits only: people write ``CIFAR-10``, ``cifar_10``, ``cifar10``."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def source_of(name: str) -> PublicSource | None:
    """The data set that a file's or folder's name begins with, or None.

    ``cifar-10-batches-py`` and ``cifar10_test.parquet`` are CIFAR-10, ``t10k-…`` is MNIST.
    """
    letters = letters_of(name)
    if re.match(r"(t10k|train)(images|labels)idx", letters):
        return PUBLIC_SOURCES["mnist"]
    if re.match(r"(test|train|extra)32x32", letters):
        return PUBLIC_SOURCES["svhn"]
    return next(
        (
            source
            for source in PUBLIC_SOURCES.values()
            if re.match(rf"{source.name}(200)?(?!\d)", letters)
        ),
        None,
    )
