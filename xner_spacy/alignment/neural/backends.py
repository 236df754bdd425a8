"""Encoders of Hugging Face models, cut off above the layer that is used, in PyTorch or CTranslate2.

Both libraries are imported only when the first sentence is encoded: the core needs neither.
"""

import tempfile
import warnings
from dataclasses import KW_ONLY, dataclass
from types import SimpleNamespace
from typing import Any, Callable, ClassVar, Dict, Iterator, List, Literal, NamedTuple, Optional, Tuple

import numpy as np
import numpy.typing as npt

from ...errors import MissingExtraError, XnerError, require
from ...streams import padded_groups
from ...translation.ct2 import save_spec
from ...translation.hub import HubModel, check_weights, import_transformers
from .packed import packed_copy

Int = npt.NDArray[np.int64]

Dtype = Literal["float32", "float16", "bfloat16", "int8"]
Backend = Literal["torch", "ctranslate2"]

# The name of the norm after the last layer, in models that normalise before each layer.
_FINAL_NORMS = ("layer_norm", "final_layer_norm", "final_norm")
# Weights that the cut model has but never uses, so a checkpoint may lack them.
_UNUSED = ("pooler.", "decoder.", "lm_head.", "cls.")


@dataclass(eq=False)
class EncoderSettings(HubModel):
    """A part with an encoder. The settings of its model and device are those of `HubModel`.

    layer (int): The layer whose vectors are used; 0 is the embeddings. Layers above it are not computed.
    backend (Backend): "torch", or "ctranslate2" for BERT and RoBERTa models, faster on CPU.
    batch_tokens (int): The most sub-words of a batch in the encoder, padding included.
    max_length (Optional[int]): The longest input in sub-words, special tokens included; longer sentences are cut into
        overlapping windows. None for the model's own limit.
    local_files_only (bool): Never access the Hub; HF_HUB_OFFLINE=1 does the same.
    """

    dtypes: ClassVar[Tuple[str, ...]] = (*HubModel.dtypes, "int8")
    _: KW_ONLY
    layer: int = 8
    dtype: Dtype = "float32"
    backend: Backend = "torch"
    batch_tokens: int = 1024
    max_length: Optional[int] = None
    local_files_only: bool = False

    def options(self) -> Dict[str, Any]:
        """RETURNS (Dict[str, Any]): Arguments for every `from_pretrained`."""
        return {**super().options(), **({"local_files_only": True} if self.local_files_only else {})}


# Runs a padded batch: takes (batch, length) sub-word numbers and (batch,) true lengths, and returns a (batch, length,
# width) torch tensor.
Forward = Callable[[Int, Int], Any]


class Loaded(NamedTuple):
    """A model ready to run: its tokenizer, the encoder up to the chosen layer, the number of the padding token, and the
    longest input in sub-words, special tokens included.
    """

    tokenizer: Any
    forward: Forward
    pad: int
    limit: int


def load(settings: EncoderSettings) -> Loaded:
    """Load a model's tokenizer and its encoder up to a layer.

    RAISES: MissingExtraError; XnerError if the device or the model does not exist, or if the model has no safe weights,
        is incomplete, or lacks that layer.
    """
    import_transformers(settings.part)
    check_device(settings.device, settings.part)
    config, tokenizer = settings.read_tokenizer()
    depth = _cut(config, settings.layer, settings.model)
    model = _read_model(settings, config)
    if config.is_encoder_decoder:
        model = model.get_encoder()
    if settings.layer < depth:
        _drop_final_norm(model, config)
    model.float().eval()  # recent versions of the library keep the precision of the file
    pad = tokenizer.pad_token_id
    return Loaded(
        tokenizer, _make_forward(model, config, settings), 0 if pad is None else pad, longest_input(tokenizer, config)
    )


def check_device(device: str, part: str) -> None:
    """RAISES: XnerError if PyTorch has no such device."""
    import torch

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).strip().split("\n", 1)[0]
        raise XnerError(
            f"{part}: the device {device!r} cannot be used: {reason}", "Name one that is there: cpu, cuda, cuda:1."
        ) from error


def _cut(config: Any, layer: int, name: str) -> int:
    """Remove the layers above `layer` from the config. RETURNS (int): The number of layers before."""
    setting = "encoder_layers" if hasattr(config, "encoder_layers") else "num_hidden_layers"
    depth = int(getattr(config, setting))
    if not 0 <= layer <= depth:
        raise XnerError(
            f"layer = {layer}, but the encoder of {name!r} has {depth} layers.",
            f"Set layer to a number from 1 to {depth}.",
        )
    config.num_hidden_layers = layer
    setattr(config, setting, layer)
    for decoder in ("decoder_layers", "num_decoder_layers"):
        if config.is_encoder_decoder and hasattr(config, decoder):
            setattr(config, decoder, 0)
    return depth


def _read_model(settings: EncoderSettings, config: Any) -> Any:
    import transformers

    verbosity = transformers.logging.get_verbosity()
    # Otherwise it would list the weights of the layers that are left out.
    transformers.logging.set_verbosity_error()
    try:
        model, report = settings.read_model("AutoModel", config=config)
    finally:
        transformers.logging.set_verbosity(verbosity)
    check_weights(settings.model, report, optional=_UNUSED)
    return model


def _drop_final_norm(model: Any, config: Any) -> None:
    import torch

    # The norm belongs after the last layer; hidden states of lower layers are not normalised.
    for name in _FINAL_NORMS:
        if hasattr(model, name):
            setattr(model, name, torch.nn.Identity())
    if config.model_type == "xlm-roberta-xl":
        model.encoder.LayerNorm = torch.nn.Identity()


def longest_input(tokenizer: Any, config: Any) -> int:
    """RETURNS (int): The most sub-words that a model reads, special tokens included."""
    limits = [int(tokenizer.model_max_length)]
    positions = getattr(config, "max_position_embeddings", None)
    if positions:
        # RoBERTa and its relatives number positions from pad + 1 on.
        shifted = "roberta" in config.model_type or config.model_type == "camembert"
        limits.append(positions - (config.pad_token_id + 1 if shifted else 0))
    return min(limits)


def _make_forward(model: Any, config: Any, settings: EncoderSettings) -> Forward:
    import torch

    device, dtype = settings.device, settings.dtype
    if settings.backend == "ctranslate2":
        return CTranslate2Forward(model, config, settings)
    if dtype != "int8":
        model = model.to(device=device, dtype=getattr(torch, dtype))
        packable = dtype == "float32" and device.startswith("cpu")
        return TorchForward(model, device, packed_copy(model) if packable else None)
    require(
        device.startswith("cpu"),
        f"dtype = int8 with backend = torch runs on the cpu only, not on {device!r}.",
        "Use bfloat16 or float16 there.",
    )
    with warnings.catch_warnings():
        # PyTorch warns that this will move to another package.
        warnings.simplefilter("ignore")
        model = torch.ao.quantization.quantize_dynamic(model, {torch.nn.Linear}, dtype=torch.qint8, inplace=True)
    return TorchForward(model, device)


class TorchForward:
    """Runs a model or encoder in PyTorch.

    packed (Optional[Any]): A faster copy of the model for batches of more than one pair. A single pair is encoded with
        the model itself, so that its vectors are exact to the last digit.
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
    """Runs a cut model in CTranslate2, with as many threads as PyTorch has. The conversion changes the model's weights
    in place. The converted model is written to a temporary folder, which is deleted after loading.
    """

    def __init__(self, model: Any, config: Any, settings: EncoderSettings) -> None:
        try:
            import ctranslate2
        except ImportError as error:
            raise MissingExtraError(f"{settings.part} with backend = ctranslate2", "ctranslate2") from error
        import torch

        spec = _specify(model, config)
        kind, _, index = settings.device.partition(":")
        with tempfile.TemporaryDirectory(prefix="xner-") as folder:
            save_spec(spec, folder, settings.dtype)
            self.encoder = ctranslate2.Encoder(
                folder,
                device=kind,
                device_index=int(index or 0),
                compute_type=settings.dtype,
                intra_threads=torch.get_num_threads(),
            )
        self.device = settings.device

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


def _specify(model: Any, config: Any) -> Any:
    """Describe the model to CTranslate2, with the converter's own description of its layers."""
    from ctranslate2.converters import transformers as converters

    name = type(config).__name__
    loaders = converters._MODEL_LOADERS
    supported = ("BertConfig", "XLMRobertaConfig", "RobertaConfig", "CamembertConfig", "DistilBertConfig")
    if name not in supported or name not in loaders or config.num_hidden_layers < 1:
        raise XnerError(
            f"CTranslate2 has no encoder for this model ({name}).",
            "Use backend = torch, which supports any model and every dtype.",
        )
    loader = loaders[name]
    # The converter looks for the encoder inside a classifier.
    shim = SimpleNamespace(roberta=model, config=config) if name == "XLMRobertaConfig" else model
    for weights in model.parameters():
        weights.requires_grad_(False)
    for used_config in (config, model.config):
        if not hasattr(used_config, "position_embedding_type"):
            # The converter reads it; version 5 of transformers dropped it with all other types.
            used_config.position_embedding_type = "absolute"
    spec = loader.get_model_spec(shim)
    # The input is numbers only, so the names in the vocabulary do not matter.
    words = [f"<{number}>" for number in range(config.vocab_size)]
    loader.set_config(spec.config, shim, SimpleNamespace(unk_token=words[0]))
    loader.set_vocabulary(spec, words)
    return spec


def padded_batches(sentences: List[Int], pad: int, batch_tokens: int) -> Iterator[Tuple[List[int], Int, Int]]:
    """Group inputs of similar length, none of them empty. If all fit into one batch, they keep their order.

    batch_tokens (int): The most sub-words of a batch of several inputs, padding included.
    YIELDS (Tuple[List[int], Int, Int]): Positions in the input, (batch, length) numbers, (batch,) lengths.
    """
    lengths = np.array([len(ids) for ids in sentences], dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    if len(order) and len(order) * lengths[order[-1]] <= batch_tokens:
        order = np.arange(len(order))
    for group in padded_groups(order.tolist(), batch_tokens, lambda row: (len(sentences[row]),)):
        ids = np.full((len(group), lengths[group].max()), pad, dtype=np.int64)
        for k, row in enumerate(group):
            ids[k, : lengths[row]] = sentences[row]
        yield group, ids, lengths[group]
