"""The three data sets: usual names of folders, published sizes, where people get them."""

from __future__ import annotations

from dataclasses import dataclass

from sightglass.evaluation.public_sources import PublicSource

TEMPLATE = "a photo of {}."
KS = (1, 2, 5, 10)
OPEN_IMAGES, IMAGENET_10K, IMAGENET_21K = "open_images", "imagenet_10k", "imagenet_21k_1k"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSet:
    """What is known of a data set before it is looked for.

    Attributes:
        source: Its one-word name, its title, and where people get it.
        short: What tables call it.
        folders: Usual names of its folder; lower-case letters and digits only.
        n_classes: How many candidates the paper names, and how many the released code ranks.
        n_pictures: How many pictures the published list has; None where nobody says.
    """

    source: PublicSource
    short: str
    folders: tuple[str, ...]
    n_classes: tuple[int, ...]
    n_pictures: int | None

    @property
    def name(self) -> str:
        """One word."""
        return self.source.name

    @property
    def title(self) -> str:
        """As its authors write it."""
        return self.source.title


# Source of the sizes: Cheng et al. 2021, arXiv:2104.08945; Wu et al. 2022, arXiv:2112.09445, and
# its code, github.com/facebookresearch/OTTER; the pages of the data sets.
KNOWN = {
    known.name: known
    for known in (
        KnownSet(
            source=PublicSource(
                name=OPEN_IMAGES,
                title="Google Open Images",
                files="the test pictures of V6 as test/<ImageID>.jpg, "
                "test-annotations-human-imagelabels.csv, oidv6-class-descriptions.csv and "
                "oidv6-classes.txt",
                site="https://storage.googleapis.com/openimages/web/download_v6.html",
            ),
            short="GOI",
            folders=("openimages", "openimagesv6", "googleopenimages", "oidv6", "goi"),
            n_classes=(19_958, 19_994),
            n_pictures=125_436,
        ),
        KnownSet(
            source=PublicSource(
                name=IMAGENET_10K,
                title="ImageNet 10K",
                files="the ImageNet part of Tencent ML-Images' validation pictures in the folder "
                "images, their list with labels (tencent_val_image_id_from_imagenet.txt or "
                "val_urls.txt) and dictionary_and_semantic_hierarchy.txt",
                site="https://github.com/Tencent/tencent-ml-images, the list of the ImageNet part "
                "from https://github.com/facebookresearch/OTTER, the pictures from "
                "https://image-net.org",
            ),
            short="IN10K",
            folders=("tencent", "tencentmlimages", "mlimages", "imagenet10k", "in10k"),
            n_classes=(10_032, 11_166),
            n_pictures=50_000,
        ),
        KnownSet(
            source=PublicSource(
                name=IMAGENET_21K,
                title="ImageNet-21k+1k",
                files="imagenet21k with one folder of pictures per WordNet id, "
                "imagenet21k_wordnet_ids.txt with imagenet21k_wordnet_lemmas.txt (or words.txt), "
                "ilsvrc2012_wordnet_lemmas.txt, and beside it imagenet/val with one folder per "
                "WordNet id",
                site="https://image-net.org, the lists of names from "
                "https://storage.googleapis.com/bit_models/",
            ),
            short="IN21K+1K",
            folders=("imagenet21k", "imagenet22k", "imagenet21k1k", "fall11whole", "winter21whole"),
            n_classes=(22_843,),
            n_pictures=None,
        ),
    )
}
