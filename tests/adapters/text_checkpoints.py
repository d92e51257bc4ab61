"""Tiny text encoders with random weights, written in the format of the model hub."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    T5Config,
    T5EncoderModel,
)

WORDS = ("a", "photo", "of", "cat", "dog", "red", "train", "two", "run", "in", "the", "snow")
WIDTH = 32
_SIZES = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 30,
    # Random weights of the usual size give nearly one row for all texts.
    "initializer_range": 0.3,
}


def write_bert(folder: Path) -> Path:
    """BERT: padding is 0."""
    torch.manual_seed(0)
    tokenizer = _tokenizer(("[PAD]", "[UNK]", "[CLS]", "[SEP]"), first="[CLS]", last="[SEP]")
    BertModel(BertConfig(vocab_size=tokenizer.get_vocab_size(), **_SIZES)).save_pretrained(folder)
    _save(tokenizer, folder, pad_token="[PAD]")
    return folder


def write_bert_of_pieces(folder: Path) -> Path:
    """BERT with BERT's own tokeniser, which transformers also makes of its older files."""
    torch.manual_seed(0)
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    tokenizer = BertTokenizer(vocab={token: number for number, token in enumerate(special + WORDS)})
    BertModel(BertConfig(vocab_size=len(tokenizer), **_SIZES)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_roberta(folder: Path) -> Path:
    """RoBERTa as DeCLUTR saves it: padding is 1, a head for words, no pooler."""
    torch.manual_seed(1)
    tokenizer = _tokenizer(("<s>", "<pad>", "</s>", "<unk>"), first="<s>", last="</s>")
    config = RobertaConfig(vocab_size=tokenizer.get_vocab_size(), pad_token_id=1, **_SIZES)
    RobertaForMaskedLM(config).save_pretrained(folder)
    _save(tokenizer, folder, pad_token="<pad>")
    return folder


def write_t5(folder: Path) -> Path:
    """The half of T5 that reads; positions are relative."""
    torch.manual_seed(2)
    tokenizer = _tokenizer(("<pad>", "</s>", "<unk>"), first="", last="</s>")
    config = T5Config(
        vocab_size=tokenizer.get_vocab_size(),
        d_model=WIDTH,
        d_kv=8,
        d_ff=48,
        num_layers=2,
        num_heads=4,
        decoder_start_token_id=0,
    )
    T5EncoderModel(config).save_pretrained(folder)
    _save(tokenizer, folder, pad_token="<pad>")
    return folder


def _tokenizer(special: tuple[str, ...], *, first: str, last: str) -> Tokenizer:
    vocabulary = {token: number for number, token in enumerate(special + WORDS)}
    unknown = next(token for token in special if "unk" in token.lower())
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(list(special))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}".strip(),
        special_tokens=[(token, vocabulary[token]) for token in (first, last) if token],
    )
    # As many are published, with settings of their own that must not be used.
    tokenizer.enable_padding(length=25, pad_id=vocabulary[special[0]])
    tokenizer.enable_truncation(max_length=5)
    return tokenizer


def _save(tokenizer: Tokenizer, folder: Path, *, pad_token: str) -> None:
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token=pad_token).save_pretrained(folder)
