"""Encoders of Hugging Face models, cut off above the layer that is used, in PyTorch or CTranslate2.

Nothing here is imported before the first sentence is to be encoded: the core needs neither library.
"""

import tempfile
from types import SimpleNamespace
from typing import Any, Iterator, Literal, NamedTuple, Optional, Protocol, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import MissingExtraError, XnerError
from ...translation.hub import (
    import_transformers,
    load_options,
    load_tokenizer,
    loading,
    weight_options,
)
from ...translation.int8 import save_spec
from .packed import packed_copy

Int = npt.NDArray[np.int64]

Dtype = Literal["float32", "float16", "bfloat16", "int8"]
Backend = Literal["torch", "ctranslate2"]

# The name of the norm after the last layer, in models that normalise before each layer.
_FINAL_NORMS = ("layer_norm", "final_layer_norm", "final_norm")
# Weights that the cut model has and never uses, so that a checkpoint may lack them.
_UNUSED = ("pooler.", "decoder.", "lm_head.", "cls.")


class Source(NamedTuple):
    """Where a model comes from.

    model (str): A folder, or a name on the Hugging Face Hub.
    revision (Optional[str]): Branch, tag or commit on the Hub.
    local_files_only (bool): Never ask the Hub; HF_HUB_OFFLINE=1 does the same.
    legacy_weights (bool): Accept weights in the old pickle format (.bin). They are read with
        `weights_only`, so that no code of theirs runs; without this, only safetensors are read.
    """

    model: str
    revision: Optional[str] = None
    local_files_only: bool = False
    legacy_weights: bool = False


class Forward(Protocol):
    """Runs a padded batch: (batch, length) sub-word numbers and (batch,) true lengths in, a
    (batch, length, width) torch tensor out."""

    def __call__(self, ids: Int, lengths: Int) -> Any: ...


class Loaded(NamedTuple):
    """A model ready to run.

    tokenizer (Any): Its tokenizer.
    forward (Forward): The encoder up to the chosen layer.
    pad (int): The number of the padding token.
    limit (int): The longest input in sub-words, special tokens included.
    """

    tokenizer: Any
    forward: Forward
    pad: int
    limit: int


def load(source: Source, part: str, layer: int, device: str, dtype: Dtype, backend: Backend) -> Loaded:
    """Load a model's tokenizer and its encoder up to a layer.

    source (Source): Where the model comes from.
    part (str): Who asks, for error messages.
    layer (int): The layer whose output is wanted; 0 is the embeddings.
    device (str): A torch device, such as "cpu", "cuda" or "cuda:1".
    dtype (Dtype): The precision. "int8" quantises the weights of the linear layers, and their
        inputs as they come.
    backend (Backend): What computes it.
    RETURNS (Loaded): The model.
    RAISES: MissingExtraError; XnerError where the device or the model is not there, or the model has
        no safe weights, is not complete, or does not have that layer.
    """
    transformers = import_transformers(part)
    import torch

    _check_device(device, part)
    options = load_options(source.model, source.revision)
    if source.local_files_only:
        options["local_files_only"] = True
    with loading(source.model, source.legacy_weights):
        config = transformers.AutoConfig.from_pretrained(source.model, **options)
        tokenizer = load_tokenizer(transformers, source.model, **options)
    depth = _cut(config, layer, source.model)
    model = _read_model(transformers, config, source, options)
    if config.is_encoder_decoder:
        model = model.get_encoder()
    if layer < depth:
        _drop_final_norm(model, config, torch.nn.Identity())
    model.float().eval()  # recent versions of the library keep the precision of the file
    pad = tokenizer.pad_token_id
    return Loaded(
        tokenizer,
        _make_forward(model, config, device, dtype, backend, part),
        0 if pad is None else pad,
        _limit(tokenizer, config),
    )


def _check_device(device: str, part: str) -> None:
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise XnerError(
            f"{part}: the device {device!r} cannot be used: {reason}",
            "Name one that is there: cpu, cuda, cuda:1.",
        ) from error


def _cut(config: Any, layer: int, name: str) -> int:
    """Have the model built without the layers above `layer`. RETURNS (int): Its layers."""
    own = "encoder_layers" if hasattr(config, "encoder_layers") else "num_hidden_layers"
    depth = int(getattr(config, own))
    if not 0 <= layer <= depth:
        raise XnerError(
            f"layer = {layer}, but the encoder of {name!r} has {depth} layers.",
            f"Set layer to a number from 1 to {depth}.",
        )
    config.num_hidden_layers = layer
    setattr(config, own, layer)
    for decoder in ("decoder_layers", "num_decoder_layers"):
        if config.is_encoder_decoder and hasattr(config, decoder):
            setattr(config, decoder, 0)
    return depth


def _read_model(transformers: Any, config: Any, source: Source, options: Any) -> Any:
    weights = weight_options(source.legacy_weights)
    verbosity = transformers.logging.get_verbosity()
    # It would list the weights of the layers that are left out.
    transformers.logging.set_verbosity_error()
    try:
        with loading(source.model, source.legacy_weights):
            model, report = transformers.AutoModel.from_pretrained(
                source.model, config=config, output_loading_info=True, **options, **weights
            )
    finally:
        transformers.logging.set_verbosity(verbosity)
    missing = [key for key in report["missing_keys"] if not key.startswith(_UNUSED)]
    if missing:
        raise XnerError(
            f"The model {source.model!r} lacks the weights {', '.join(sorted(missing)[:3])}"
            f"{' and others' if len(missing) > 3 else ''}.",
            "They would be random. Is the file complete, and does config.json belong to it?",
        )
    return model


def _drop_final_norm(model: Any, config: Any, identity: Any) -> None:
    # It belongs after the last layer; the hidden states below it are not normalised.
    for name in _FINAL_NORMS:
        if hasattr(model, name):
            setattr(model, name, identity)
    if config.model_type == "xlm-roberta-xl":
        model.encoder.LayerNorm = identity


def _limit(tokenizer: Any, config: Any) -> int:
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(config, "max_position_embeddings", None)
    if positions:
        # Models of RoBERTa's kind number positions from pad + 1 on.
        shifted = "roberta" in config.model_type or config.model_type == "camembert"
        limits.append(positions - (config.pad_token_id + 1 if shifted else 0))
    return min(limits)


def _make_forward(model: Any, config: Any, device: str, dtype: Dtype, backend: Backend, part: str) -> Forward:
    import torch

    if backend == "ctranslate2":
        return CTranslate2Forward(model, config, device, dtype, part)
    if dtype != "int8":
        model = model.to(device=device, dtype=getattr(torch, dtype))
        packable = dtype == "float32" and device.startswith("cpu")
        return TorchForward(model, device, packed_copy(model) if packable else None)
    if not device.startswith("cpu"):
        raise XnerError(
            f"dtype = int8 with backend = torch runs on the cpu only, not on {device!r}.",
            "Use bfloat16 or float16 there.",
        )
    return TorchForward(_quantize(model), device)


def _quantize(model: Any) -> Any:
    import warnings

    import torch

    with warnings.catch_warnings():
        # PyTorch announces that this moves to another package one day.
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)


class TorchForward:
    """Runs a model in PyTorch.

    model (Any): The model or encoder, in evaluation mode.
    device (str): Where it is.
    packed (Optional[Any]): A faster copy of it for batches of more than a pair. A pair by itself has
        its vectors from the model as it is, to the last digit.
    """

    def __init__(self, model: Any, device: str, packed: Optional[Any] = None) -> None:
        self.model = model
        self.device = device
        self.packed = packed

    def __call__(self, ids: Int, lengths: Int) -> Any:
        import torch

        mask = np.arange(ids.shape[1])[None, :] < lengths[:, None]
        model = self.model if self.packed is None or len(ids) <= 2 else self.packed
        with torch.inference_mode():
            return model(
                input_ids=torch.from_numpy(ids).to(self.device),
                attention_mask=torch.from_numpy(mask.astype(np.int64)).to(self.device),
            )[0].float()


class CTranslate2Forward:
    """Runs a model in CTranslate2, with as many threads as PyTorch has.

    The converted model is written to a temporary folder, and gone once it is loaded.

    model (Any): The cut model; its weights are spoilt by the conversion.
    config (Any): Its configuration.
    device (str): "cpu", "cuda" or "cuda:N".
    dtype (Dtype): The precision.
    part (str): Who asks, for error messages.
    """

    def __init__(self, model: Any, config: Any, device: str, dtype: Dtype, part: str) -> None:
        try:
            import ctranslate2
        except ImportError as error:
            raise MissingExtraError(f"{part} with backend = ctranslate2", "ctranslate2") from error
        import torch

        spec = _specify(model, config)
        kind, index = _split_device(device)
        with tempfile.TemporaryDirectory(prefix="xner-") as folder:
            save_spec(spec, folder, dtype)
            self.encoder = ctranslate2.Encoder(
                folder,
                device=kind,
                device_index=index,
                compute_type=dtype,
                intra_threads=torch.get_num_threads(),
            )
        self.device = device

    def __call__(self, ids: Int, lengths: Int) -> Any:
        import ctranslate2
        import torch

        output = self.encoder.forward_batch(
            ctranslate2.StorageView.from_array(ids.astype(np.int32)),
            ctranslate2.StorageView.from_array(lengths.astype(np.int32)),
        ).last_hidden_state
        if output.device == "cpu":
            return torch.from_numpy(np.array(output)).float()
        return torch.as_tensor(output, device=self.device).float()


def _split_device(device: str) -> Tuple[str, int]:
    kind, _, index = device.partition(":")
    return kind, int(index or 0)


def _specify(model: Any, config: Any) -> Any:
    """Describe the model to CTranslate2, with the converter's own description of its layers."""
    from ctranslate2.converters import transformers as converters

    name = type(config).__name__
    loaders = converters._MODEL_LOADERS
    known = (
        "BertConfig",
        "XLMRobertaConfig",
        "RobertaConfig",
        "CamembertConfig",
        "DistilBertConfig",
    )
    if name not in known or name not in loaders or config.num_hidden_layers < 1:
        raise XnerError(
            f"CTranslate2 has no encoder for this model ({name}).",
            "Use backend = torch, which takes any model and every dtype.",
        )
    loader = loaders[name]
    # It looks for the encoder inside a classifier.
    shim = SimpleNamespace(roberta=model, config=config) if name == "XLMRobertaConfig" else model
    for weights in model.parameters():
        weights.requires_grad_(False)
    for one in (config, model.config):
        if not hasattr(one, "position_embedding_type"):
            # The converter asks for it; version 5 of transformers has dropped the other kinds.
            one.position_embedding_type = "absolute"
    spec = loader.get_model_spec(shim)
    # Only numbers go in, so any names will do for the vocabulary.
    words = [f"<{number}>" for number in range(config.vocab_size)]
    loader.set_config(spec.config, shim, SimpleNamespace(unk_token=words[0]))
    loader.set_vocabulary(spec, words)
    return spec


def padded_batches(sentences: "list[Int]", pad: int, batch_tokens: int) -> Iterator[Tuple[Int, Int, Int]]:
    """Gather inputs of like length; what fits into one batch keeps its order.

    sentences (list[Int]): Sub-word numbers, none empty.
    pad (int): The padding number.
    batch_tokens (int): The most sub-words of a batch of more than one, padding included.
    YIELDS (Tuple[Int, Int, Int]): Positions in the input, (batch, length) numbers, (batch,) lengths.
    """
    lengths = np.array([len(ids) for ids in sentences], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    if len(order) and len(order) * lengths[order[-1]] <= batch_tokens:
        order = np.arange(len(order))
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * lengths[order[stop]] <= batch_tokens:
            stop += 1
        rows = order[start:stop]
        ids = np.full((len(rows), lengths[rows].max()), pad, dtype=np.int64)
        for k, row in enumerate(rows):
            ids[k, : lengths[row]] = sentences[row]
        yield rows, ids, lengths[rows]
        start = stop
