"""Small Open Images, ML-Images and ImageNet-21k in their authors' layouts: pictures of one colour.

``synthetic:colours`` knows a picture by its colour and a text by the last colour word in it, so
what is nearest to what is known beforehand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

# LabelName and DisplayName. Two classes are called Blue, one name has a comma in it.
DESCRIBED = (
    *(("/m/01", "Red"), ("/m/02", "Blue"), ("/m/03", "Blue"), ("/m/04", "Lime")),
    *(("/m/05", "White"), ("/m/06", "Yellow, as lemons are"), ("/m/07", "Black")),
    *(("/m/08", "Magenta"), ("/m/09", "Cyan"), ("/m/0a", "Gray"), ("/m/0b", "Nothing in sight")),
)
# ImageID: colour, what was verified to be there, what was verified not to be.
SHOWN: Mapping[str, tuple[str, Sequence[str], Sequence[str]]] = {
    "000a": ("red", ("/m/01", "/m/05"), ("/m/07",)),
    "000b": ("blue", ("/m/03",), ()),
    "000c": ("lime", ("/m/05",), ("/m/04",)),
    "000d": ("yellow", ("/m/06",), ("/m/05",)),
    "000e": ("black", (), ("/m/01",)),
}


def put(path: Path, colour: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24, 16), colour).save(path, "JPEG", quality=95)
    return path


def write_lines(path: Path, lines: Sequence[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def label_lines() -> list[str]:
    lines = ["ImageID,Source,LabelName,Confidence"]
    for image, (_, present, absent) in SHOWN.items():
        lines += [f"{image},verification,{label},1" for label in present]
        lines += [f"{image},crowdsource-verification,{label},0" for label in absent]
    return lines


def write_open_images(root: Path, *, folder: str = "open-images") -> Path:
    """Eleven classes, five pictures; the last shows nothing that is known."""
    place = root / folder
    for image, (colour, _, _) in SHOWN.items():
        put(place / "test" / f"{image}.jpg", colour)
    rows = [f'{label},"{name}"' if "," in name else f"{label},{name}" for label, name in DESCRIBED]
    write_lines(place / "oidv6-class-descriptions.csv", ["LabelName,DisplayName", *rows])
    write_lines(place / "test-annotations-human-imagelabels.csv", label_lines())
    return place


# As it is published: the first category has two spaces for a tab.
CATEGORIES = (
    "category_index\tcategory_id\tindex_of_parent_category\tcategory name",
    "0\tn00002452\t-1  black thing",
    "1\tn00020827\t-1\tgray matter, matter in gray",
    "2\tn07734744\t1\tred",
    "3\tn07734745\t1\tblood, blood_red",
    "4\tn07734746\t0\tblue",
    "5\tn07734747\t0\tlime",
)


def write_ml_images(root: Path, *, folder: str = "tencent") -> Path:
    """Six categories, three pictures, in the forms of both published lists."""
    place = root / folder
    put(place / "images" / "n07734745_7.JPEG", "red")
    put(place / "images" / "n07734746_2.JPEG", "blue")
    put(place / "images" / "9_x.jpg", "lime")
    write_lines(place / "dictionary_and_semantic_hierarchy.txt", CATEGORIES)
    write_lines(
        place / "val_urls.txt",
        (
            "n07734745/n07734745_7.JPEG\t3\t1",
            "n07734746/n07734746_2.JPEG\t4:1\t0:1",
            "https://example.org/9/x.jpg 5:0.9  2:0.8",
        ),
    )
    return place


# In the order of Google's list, which is not that of the ids.
SYNSETS = {
    "n00000003": "lime",
    "n00000001": "red, Rubrum redii",
    "n00000004": "yellow",
    "n00000002": "sky_blue thing, blue",
}
ILSVRC = {"n00000001": "red, Rubrum redii", "n00000002": "cyan"}
_COLOURS = {"n00000001": "red", "n00000002": "blue", "n00000003": "lime"}


def write_imagenet_21k(root: Path, *, folder: str = "imagenet21k") -> Path:
    """Four synsets, of which one has no picture, and two classes of ILSVRC behind them."""
    place = root / folder
    for wordnet_id, colour in _COLOURS.items():
        for number in (1, 2):
            put(place / wordnet_id / f"{wordnet_id}_{number}.JPEG", colour)
    write_lines(place / "imagenet21k_wordnet_ids.txt", tuple(SYNSETS))
    write_lines(place / "imagenet21k_wordnet_lemmas.txt", tuple(SYNSETS.values()))
    write_lines(place / "ilsvrc2012_wordnet_lemmas.txt", tuple(ILSVRC.values()))
    for wordnet_id in ILSVRC:
        put(root / "imagenet" / "val" / wordnet_id / "v.JPEG", _COLOURS[wordnet_id])
    return place


def write_world(root: Path) -> Path:
    """All three."""
    write_open_images(root)
    write_ml_images(root)
    write_imagenet_21k(root)
    return root
