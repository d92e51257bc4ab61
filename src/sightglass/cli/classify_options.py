"""The options of ``sightglass classify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SOURCES = (
    "Folders (searched through), files, glob patterns, URLs of these, or - for paths on standard "
    "input."
)
Sources = Annotated[list[str], typer.Argument(metavar="IMAGES...", help=_SOURCES)]
SourcesOrManifest = Annotated[list[str] | None, typer.Argument(metavar="IMAGES", help=_SOURCES)]
Manifests = Annotated[
    list[str] | None,
    typer.Option(
        "--manifest",
        metavar="FILE",
        help="A file, or its URL, that lists paths and URLs of pictures: CSV, JSON lines, parquet, "
        "or text with one a line. May be given several times.",
    ),
]
ManifestColumn = Annotated[
    str | None,
    typer.Option(
        help="Column of the manifest that holds them; by default path, url, file, filename or "
        "image, or the only one."
    ),
]
Classes = Annotated[
    str,
    typer.Option(
        help="Class names separated by commas, a .txt file with one per line, or a class book; "
        '"sofa|couch" gives one class two names.'
    ),
]
Out = Annotated[
    Path,
    typer.Option(help="Folder for predictions.csv, predictions.jsonl, report.html and run.json."),
]
Parquet = Annotated[bool, typer.Option("--parquet", help="Write predictions.parquet too.")]
Model = Annotated[
    str,
    typer.Option(
        help="Encoder: mini, onnx:FOLDER, hf:ORG/NAME, hf:FOLDER, prompts:FILE, synthetic:colours."
    ),
]
Prompts = Annotated[
    str, typer.Option(help="Template set, such as single or ensemble, or a .txt file of templates.")
]
References = Annotated[
    Path | None,
    typer.Option(
        help="Folder with one folder of reference pictures per class, as imagine and harvest make "
        "it: pictures are compared with these too."
    ),
]
VisionModel = Annotated[
    str,
    typer.Option(
        help="Encoder in whose space pictures are compared with references a second time, such as "
        "hf:facebook/dinov2-base; none for none."
    ),
]
Weighting = Annotated[
    str,
    typer.Option(
        help="How the opinions of names and references are fused: inverse_entropy (the "
        "paper's), stacked, exp_neg_entropy, max or fixed."
    ),
]
Unknown = Annotated[
    bool, typer.Option("--unknown/--no-unknown", help='Allow the answer "unknown".')
]
TopK = Annotated[int, typer.Option(min=1, help="Classes listed per picture.")]
BatchSize = Annotated[
    int, typer.Option(min=1, help="Pictures per pass of the network; changes speed, not results.")
]
StorePath = Annotated[
    Path | None,
    typer.Option(
        "--store", help="File that remembers embeddings; by default one in your cache folder."
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(min=1, help="Pictures that would decode to more are not decoded."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Stop at the first file that cannot be used.")
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine", help="What does the work: local, this process; or ray, a Ray cluster."
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        help="With --engine ray: the cluster, HOST:PORT or auto; by default one of this machine "
        "alone, for this run."
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1, help="With --engine ray: at most so many workers; by default one per processor."
    ),
]
ShardSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="With --engine ray: pictures that a worker takes at once, and that are lost if it "
        "dies; by default 1,024.",
    ),
]
