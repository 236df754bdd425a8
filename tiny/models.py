"""Tiny Hugging Face models with random weights, made on the spot: for tests without a network.

Each builder writes a model and its tokenizer into a folder, under a megabyte in a second or two.
The weights mean nothing; shapes, tokenizers, special tokens and file formats are the real ones.
"""

import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Callable, Dict, Iterable, List

TEXTS = [
    "Anna Jónsdóttir býr í Reykjavík og vinnur hjá Landsbankanum .",
    "Anna Jónsdóttir lives in Reykjavík and works for Landsbankinn .",
    "The minister met Angela Merkel in Berlin on 12 May 2009 .",
    "Ráðherrann hitti Angelu Merkel í Berlín þann 12. maí 2009 .",
    "Peter wohnt in Hamburg und arbeitet bei Siemens .",
    "María García trabaja en Madrid , dijo el presidente del Banco de España .",
] * 10

ENCODER: Dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 130,
}
SEQ2SEQ: Dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
    "max_position_embeddings": 130,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}


def _spread(model: Any, scale: float = 0.25) -> Any:
    """Make the random weights large enough for layers and neighbours to matter."""
    import torch

    with torch.no_grad():
        for weights in model.parameters():
            if weights.dim() > 1:
                weights.normal_(0.0, scale)
    return model


def bert(folder: Path, texts: Iterable[str] = TEXTS, pieces: int = 300, **config: Any) -> None:
    """Cased WordPiece and a BertModel, like multilingual BERT."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, BertTokenizerFast

    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        texts,
        trainers.WordPieceTrainer(vocab_size=pieces, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    BertTokenizerFast(tokenizer_object=tokenizer, do_lower_case=False, model_max_length=128).save_pretrained(folder)
    settings = BertConfig(vocab_size=tokenizer.get_vocab_size(), **{**ENCODER, **config})
    _spread(BertModel(settings)).save_pretrained(folder)


def xlmr_generic(folder: Path, texts: Iterable[str] = TEXTS, pieces: int = 300, **config: Any) -> None:
    """SentencePiece-like Unigram in a generic fast tokenizer, and an XLMRobertaModel.

    It needs neither sentencepiece nor protobuf, and spacy-transformers can train on it.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581")
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer.train_from_iterator(
        texts,
        trainers.UnigramTrainer(vocab_size=pieces, special_tokens=special, unk_token="<unk>", show_progress=False),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    names = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"}
    names.update(pad_token="<pad>", unk_token="<unk>", mask_token="<mask>")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **names)
    fast.save_pretrained(folder)
    settings = XLMRobertaConfig(vocab_size=len(fast), type_vocab_size=1, pad_token_id=1, **{**ENCODER, **config})
    _spread(XLMRobertaModel(settings)).save_pretrained(folder)


def _sentencepiece(file: Path, texts: Iterable[str]) -> Any:
    import sentencepiece

    buffer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts),
        model_writer=buffer,
        vocab_size=160,
        hard_vocab_limit=False,
        model_type="unigram",
        character_coverage=1.0,
        minloglevel=2,
    )
    file.write_bytes(buffer.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=buffer.getvalue())


def nllb(folder: Path, texts: Iterable[str] = TEXTS, **config: Any) -> None:
    """An NLLB tokenizer with its language codes, and an M2M100 model. Needs protobuf."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, NllbTokenizerFast

    file = folder / "sentencepiece.bpe.model"
    _sentencepiece(file, texts)
    fast = NllbTokenizerFast(vocab_file=str(file), src_lang="eng_Latn", tgt_lang="isl_Latn")
    fast.model_max_length = 128
    fast.save_pretrained(folder)
    settings = M2M100Config(**{"vocab_size": len(fast), **SEQ2SEQ, **config})
    _spread(M2M100ForConditionalGeneration(settings), 0.1).save_pretrained(folder)


def m2m(folder: Path, texts: Iterable[str] = TEXTS, **config: Any) -> None:
    """A slow M2M100 tokenizer and its model."""
    from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer
    from transformers.models.m2m_100.tokenization_m2m_100 import FAIRSEQ_LANGUAGE_CODES

    pieces = _sentencepiece(folder / "sentencepiece.bpe.model", texts)
    vocabulary = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>"])}
    for number in range(pieces.get_piece_size()):
        vocabulary.setdefault(pieces.id_to_piece(number), len(vocabulary))
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf8")
    # Without the explicit list the converter of CTranslate2 finds too small a vocabulary.
    languages: List[str] = [f"__{code}__" for code in FAIRSEQ_LANGUAGE_CODES["m2m100"]]
    slow = M2M100Tokenizer(
        str(folder / "vocab.json"),
        str(folder / "sentencepiece.bpe.model"),
        src_lang="en",
        tgt_lang="is",
        additional_special_tokens=languages,
    )
    slow.save_pretrained(folder)
    # The made-up words fill the embedding to a round size; `len(slow)` leaves them out.
    size = len(slow.encoder) + len(slow.lang_token_to_id) + slow.num_madeup_words
    settings = M2M100Config(vocab_size=size, **{**SEQ2SEQ, **config})
    _spread(M2M100ForConditionalGeneration(settings), 0.1).save_pretrained(folder)


def roberta(folder: Path, texts: Iterable[str] = TEXTS, pieces: int = 400, **config: Any) -> None:
    """BPE over bytes, where the space is part of the word behind it, and a RobertaModel."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import RobertaConfig, RobertaModel, RobertaTokenizerFast

    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(texts, vocab_size=pieces, special_tokens=special, show_progress=False)
    files = tokenizer.save_model(str(folder))
    RobertaTokenizerFast(vocab_file=files[0], merges_file=files[1], model_max_length=128).save_pretrained(folder)
    settings = {"vocab_size": tokenizer.get_vocab_size(), "pad_token_id": 1, "bos_token_id": 0}
    whole = RobertaConfig(**{**settings, "eos_token_id": 2, **ENCODER, **config})
    _spread(RobertaModel(whole)).save_pretrained(folder)


def xlmr(folder: Path, texts: Iterable[str] = TEXTS, **config: Any) -> None:
    """SentencePiece in the tokenizer that XLM-R itself has, and an XLMRobertaModel. Needs protobuf."""
    from transformers import XLMRobertaConfig, XLMRobertaModel, XLMRobertaTokenizerFast

    file = folder / "sentencepiece.bpe.model"
    _sentencepiece(file, texts)
    fast = XLMRobertaTokenizerFast(vocab_file=str(file), model_max_length=128)
    fast.save_pretrained(folder)
    settings = XLMRobertaConfig(vocab_size=len(fast), type_vocab_size=1, pad_token_id=1, **{**ENCODER, **config})
    _spread(XLMRobertaModel(settings)).save_pretrained(folder)


def gliner(folder: Path, texts: Iterable[str] = TEXTS, pieces: int = 300, **config: Any) -> None:
    """A GLiNER model on a BERT encoder, with the special tokens that it adds to the vocabulary; `config` is GLiNER's own:
    `span_mode="token_level"` and `labels_encoder` make its other kinds. Needs gliner.
    """
    from gliner import GLiNER, GLiNERConfig

    with TemporaryDirectory() as encoder:
        bert(Path(encoder), texts, pieces)
        settings = {"model_name": encoder, "hidden_size": 32, "max_width": 6, "max_len": 60, **config}
        if settings.get("labels_encoder"):
            settings["labels_encoder"] = encoder
        model = GLiNER.from_config(GLiNERConfig(**settings), backbone_from_pretrained=False)
        _spread(model.model, 0.15)
        model.save_pretrained(folder, safe_serialization=True)


BUILDERS: Dict[str, Callable[..., None]] = {
    "bert": bert,
    "xlmr_generic": xlmr_generic,
    "roberta": roberta,
    "nllb": nllb,
    "m2m": m2m,
    "xlmr": xlmr,
    "gliner": gliner,
}


def build(kind: str, folder: Path, seed: int = 0, **settings: Any) -> Path:
    """Build a tiny model, always the same for the same seed.

    kind (str): A key of `BUILDERS`. folder (Path): Where; it is made.
    settings (Any): `texts` for the vocabulary and `pieces` for its size (bert, roberta and xlmr_generic), and
        whatever the model's config takes.
    RETURNS (Path): The folder.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        BUILDERS[kind](folder, **settings)
    return folder


def build_classifier(folder: Path, tags: List[str]) -> Path:
    """Build a token classifier of random weights, always the same, as `save_pretrained` writes it.

    tags (List[str]): The names of its outputs. RETURNS (Path): The folder.
    """
    import torch
    from transformers import AutoConfig, AutoModelForTokenClassification

    build("xlmr_generic", folder)
    config = AutoConfig.from_pretrained(folder)
    config.id2label = dict(enumerate(tags))
    config.label2id = {tag: number for number, tag in enumerate(tags)}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForTokenClassification.from_pretrained(folder, config=config)
        model.classifier.weight.data.normal_(0, 2)
        model.save_pretrained(folder)
    return folder
