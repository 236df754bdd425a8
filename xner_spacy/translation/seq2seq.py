"""`xner.Transformers.v1`: translation with Hugging Face's transformers, for models that CTranslate2 doesn't support."""

from dataclasses import dataclass
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Sequence

from ..languages import model_code
from .ct2 import TAGS
from .hub import HubModel, check_weights, loading
from .neural import Hypothesis, NeuralTranslator, decoding_limit, plan_batches

SCORED_CELLS = 1 << 27  # floats, half a gigabyte


@dataclass(eq=False)
class Transformers(NeuralTranslator, HubModel):
    """`xner.Transformers.v1`: translates with transformers. Its settings are those of `HubModel` and
    `NeuralTranslator`.
    """

    part: ClassVar[str] = "xner.Transformers.v1"

    def _load(self) -> "_Model":
        return _Model(self)

    def score_batch(self, sources: Sequence[str], targets: Sequence[str]) -> List[float]:
        """RETURNS (List[float]): See `CTranslate2.score_batch`."""
        model = self.loaded
        source_tokens = [_shorten(tokens, model.limit) for tokens in model.encode(list(sources))]
        target_tokens = [_shorten(t, model.positions) for t in model.encode_targets(list(targets))]
        scores = [0.0] * len(source_tokens)
        longest = [max(len(a), len(b)) for a, b in zip(source_tokens, target_tokens, strict=True)]
        # Each sub-word has a score for every word of the vocabulary: NLLB's 256,000 words times 4,096 sub-words would
        # be 4 GB.
        batch_tokens = min(self.batch_tokens, max(1, SCORED_CELLS // model.words))
        for batch in plan_batches(dict(enumerate(longest)), batch_tokens):
            values = model.score([source_tokens[k] for k in batch], [target_tokens[k] for k in batch])
            for k, score in zip(batch, values, strict=True):
                scores[k] = score
        return scores

    def _model_identity(self) -> Dict[str, Any]:
        return {"engine": "transformers", "model": self.content, "dtype": self.dtype}

    def _decode(self, batches: List[List[Any]]) -> Iterator[List[List[Hypothesis]]]:
        for batch in batches:
            yield self.loaded.generate(batch, self.beam_size, self.n_best)


def _shorten(tokens: List[int], limit: int) -> List[int]:
    """RETURNS (List[int]): The beginning of a text that is too long, with its end token."""
    return tokens if len(tokens) <= limit else [*tokens[: limit - 1], tokens[-1]]


class _Model:
    """A sequence-to-sequence model with its tokenizer, set to two languages."""

    def __init__(self, owner: Transformers) -> None:
        self.config, self.tokenizer = owner.read_tokenizer()
        import torch

        self.torch = torch
        model, report = owner.read_model("AutoModelForSeq2SeqLM", config=self.config)
        check_weights(owner.model, report)
        self.start = ""
        self.prefix: Optional[int] = None
        self.device = owner.device
        with loading(owner.model, owner.legacy_weights):
            self.model = model.to(device=owner.device, dtype=getattr(torch, owner.dtype)).eval()
            self.words = int(self.model.config.vocab_size)
            # The longest output of the decoder, and the longest input of the encoder.
            self.positions = int(getattr(self.config, "max_position_embeddings", 512)) - 2
            self.limit = min(self.positions, int(self.tokenizer.model_max_length))
            self._set_languages(owner)

    def _set_languages(self, owner: Transformers) -> None:
        vocabulary = self.tokenizer.get_vocab()
        tags = {family: {m[1]: m[0] for m in map(tag.match, vocabulary) if m} for family, tag in TAGS.items()}
        family = next((family for family in ("nllb", "m2m") if tags[family]), "marian")
        if family == "marian":
            if tags["marian"]:
                self.start = tags["marian"][model_code(owner.target_lang, tags["marian"], owner.model)]
            return
        codes = tags[family]
        self.tokenizer.src_lang = model_code(owner.source_lang, codes, owner.model)
        target = model_code(owner.target_lang, codes, owner.model)
        self.tokenizer.tgt_lang = target
        self.prefix = int(self.tokenizer.convert_tokens_to_ids(codes[target]))

    def encode(self, texts: List[str]) -> List[List[int]]:
        """RETURNS (List[List[int]]): Sub-words with the tags that the model needs."""
        if not texts:
            return []
        if self.start:
            texts = [f"{self.start} {text}" for text in texts]
        return self.tokenizer(texts)["input_ids"]

    def encode_targets(self, texts: List[str]) -> List[List[int]]:
        """RETURNS (List[List[int]]): Sub-words in the form of the decoder's output, with tag and end token."""
        return self.tokenizer(text_target=texts)["input_ids"] if texts else []

    def _pad(self, batch: Sequence[Sequence[int]]) -> Any:
        return self.tokenizer.pad({"input_ids": list(batch)}, return_tensors="pt").to(self.device)

    def generate(self, batch: List[List[int]], beam_size: int, n_best: int) -> List[List[Hypothesis]]:
        """RETURNS (List[List[Hypothesis]]): Per text of a batch its hypotheses."""
        limits = [decoding_limit(len(tokens), self.positions) for tokens in batch]
        beam = max(beam_size, n_best)
        options = {} if self.prefix is None else {"forced_bos_token_id": self.prefix}
        with self.torch.inference_mode():
            out = self.model.generate(
                **self._pad(batch),
                num_beams=beam,
                num_return_sequences=n_best,
                max_new_tokens=max(limits),
                do_sample=False,
                # Otherwise a translation that is cut at the limit would look complete.
                forced_eos_token_id=None,
                return_dict_in_generate=True,
                output_scores=beam > 1,
                **options,
            )
        # Longer texts in the batch raise its limit, but each text is cut at its own.
        rows = [row[1 : 1 + limits[k // n_best]] for k, row in enumerate(out.sequences.cpu().tolist())]
        texts = self.tokenizer.batch_decode(rows, skip_special_tokens=True)
        scores = out.sequences_scores.tolist() if beam > 1 else [None] * len(texts)
        end = self.model.config.eos_token_id
        flat = [
            Hypothesis(text.strip(), score, end in row) for text, score, row in zip(texts, scores, rows, strict=True)
        ]
        return [flat[k : k + n_best] for k in range(0, len(flat), n_best)]

    def score(self, sources: List[List[int]], targets: List[List[int]]) -> List[float]:
        """RETURNS (List[float]): Mean log-probabilities of the targets, language tag left out."""
        torch = self.torch
        source, target = self._pad(sources), self._pad(targets)
        labels = target["input_ids"]
        with torch.inference_mode():
            start = torch.full_like(labels[:, :1], self.model.config.decoder_start_token_id)
            logits = self.model(**source, decoder_input_ids=torch.cat([start, labels[:, :-1]], dim=1)).logits
            log_probs = torch.log_softmax(logits.float(), dim=-1)
            label_log_probs = log_probs.gather(2, labels.unsqueeze(2)).squeeze(2)
        mask = target["attention_mask"].bool()
        if self.prefix is not None:
            mask = mask & (torch.arange(labels.shape[1], device=labels.device) > 0)
        means = (label_log_probs * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        return [float(value) for value in means]
