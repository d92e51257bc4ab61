"""Everyday words that stand for "anything at all": what a class is measured against."""

from __future__ import annotations

# Short, common, concrete, spread over living things, things made, places, matter and people. The
# list is fixed for every label set: a picture's unknown score must not depend on words that were
# picked with its classes in mind. One entry more or less moves the mean by under a hundredth.
BACKGROUND_WORDS: tuple[str, ...] = (
    "sky", "water", "tree", "stone", "building", "street", "chair", "table", "book", "paper",
    "bottle", "box", "lamp", "clock", "phone", "computer", "keyboard", "shoe", "shirt", "hat",
    "bag", "bridge", "tower", "road", "field", "mountain", "beach", "river", "forest", "snow",
    "fire", "cloud", "bread", "fruit", "meat", "soup", "cheese", "egg", "cake", "vegetable",
    "fish", "insect", "snake", "spider", "turtle", "lizard", "rabbit", "bear", "monkey",
    "elephant", "lion", "mouse", "duck", "chicken", "cow", "sheep", "pig", "knife", "tool",
    "hammer", "wheel", "rope", "pipe", "machine", "engine", "bicycle", "bus", "train",
    "tractor", "tent", "kite", "ball", "guitar", "drum", "piano", "window", "door", "wall",
    "floor", "carpet", "curtain", "bed", "sofa", "basket", "cup", "plate", "spoon", "candle",
    "flag", "sign", "map", "painting", "statue", "mask", "doll", "toy", "sand", "rust",
    "fabric", "wood", "metal", "glass", "plastic", "leather", "pattern", "texture", "blur",
    "darkness", "eye", "hand", "face", "hair", "foot", "crowd", "baby", "woman", "man",
)  # fmt: skip
