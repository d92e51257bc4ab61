"""Networks with random weights, in the shapes of those that people train with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pictures import FOLDER, SEED

# Width, stride, blocks, widening of the first block (4 in the others), kernel, whether the widening
# is a dense convolution (else it is 1 x 1 and a depthwise one follows).
GROUPS = (
    (32, 2, 4, 8, 3, True),
    (48, 2, 4, 8, 3, True),
    (96, 2, 4, 8, 3, False),
    (96, 1, 4, 8, 3, False),
    (160, 2, 4, 8, 5, False),
)
STEM, FEATURES, CLASSES = 32, 1280, 1000
MAPS = (*(f"group{number}" for number in range(len(GROUPS))), "last")
WORDS = (
    "small",
    "old",
    "wooden",
    "bright",
    "run",
    "near",
    "stand",
    "house",
    "dog",
    "river",
    "tree",
)


def make_resnet(folder: Path = FOLDER / "resnet-50") -> Path:
    """ResNet-50 with random weights; the defaults are its sizes."""
    if not (folder / "preprocessor_config.json").exists():
        import torch
        from transformers import ConvNextImageProcessorPil, ResNetConfig, ResNetModel

        torch.manual_seed(SEED)
        ResNetModel(ResNetConfig()).save_pretrained(folder)
        ConvNextImageProcessorPil(size={"shortest_edge": 224}).save_pretrained(folder)
    return folder


def make_bert(folder: Path = FOLDER / "bert-base") -> Path:
    """A text tower of BERT-base's size with random weights, and a tokeniser of whole words."""
    if not (folder / "tokenizer.json").exists():
        import torch
        from transformers import BertConfig, BertModel, BertTokenizer

        torch.manual_seed(SEED)
        BertModel(BertConfig()).save_pretrained(folder)
        pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", *WORDS]
        vocabulary = {piece: number for number, piece in enumerate(pieces)}
        BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    return folder


def make_teacher(path: Path = FOLDER / "edgetpu.onnx") -> Path:
    """An image teacher of MobileNetEdgeTPU's shape, an ONNX file, made where absent.

    It takes (n, 3, h, w) pixels of 0 to 255, and has the tensors ``MAPS``, "features" and "logits".
    """
    if path.exists():
        return path
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(SEED)
    nodes: list[Any] = []
    weights: dict[str, np.ndarray] = {"scale": np.float32(1 / 64)}

    def node(operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def conv(
        source: str, name: str, shape: tuple[int, int, int], *, stride: int = 1, group: int = 1
    ) -> str:
        """Kernel ``shape`` is (outputs, inputs, side)."""
        out, into, side = shape
        into //= group
        spread = (into * side * side / 2) ** -0.5
        weights[f"{name}_w"] = rng.normal(0, spread, (out, into, side, side)).astype(np.float32)
        pads = [side // 2] * 4
        settings = {"strides": [stride, stride], "pads": pads, "group": group}
        return node("Conv", [source, f"{name}_w"], name, **settings)

    def relu(source: str) -> str:
        return node("Relu", [source], f"{source}_relu")

    last = node("Mul", ["pixels", "scale"], "scaled")
    last, before = relu(conv(last, "stem", (STEM, 3, 3), stride=2)), STEM
    for number, (width, stride, blocks, first_widening, side, dense) in enumerate(GROUPS):
        for block in range(blocks):
            name = f"g{number}b{block}"
            step = stride if block == 0 else 1
            inside = before * (first_widening if block == 0 else 4)
            wide = (inside, before, side if dense else 1)
            made = relu(conv(last, f"{name}_wide", wide, stride=step if dense else 1))
            if not dense:
                deep = (inside, inside, side)
                made = relu(conv(made, f"{name}_deep", deep, stride=step, group=inside))
            end = f"group{number}" if block == blocks - 1 else f"{name}_out"
            made = conv(made, end if block == 0 else f"{name}_narrow", (width, inside, 1))
            last = made if block == 0 else node("Add", [made, last], end)
            before = width
    node("Relu", [conv(last, "top", (FEATURES, before, 1))], "last")
    node("GlobalAveragePool", ["last"], "pooled")
    node("Flatten", ["pooled"], "features")
    weights["head"] = rng.normal(0, FEATURES**-0.5, (CLASSES, FEATURES)).astype(np.float32)
    node("Gemm", ["features", "head"], "logits", transB=1)
    shape = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "teacher",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, shape)],
        [
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", FEATURES]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES]),
        ],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=min(10, onnx.IR_VERSION)
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path
