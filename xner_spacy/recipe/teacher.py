"""The step `teacher`: translate the text, label the translation, carry the names back.

The teacher is an ordinary pipeline of `xner_translator`, `xner_annotator`, `xner_aligner` and `xner_projector`, in
`training/QUALITY/teacher`.
"""

from pathlib import Path
from typing import Any, Dict

from confection import Config

from ..cli.assemble import assemble
from ..cli.init_config import base_config
from ..cli.output import bar, done, progress, say
from ..corpora.annotate import annotate
from ..corpora.docs import read_docs
from ..corpora.writing import atomic_write, written_together
from ..languages import blank, choose_tokenizer
from ..registry import registry
from ..translation.store import trusted_configs
from .layout import Project
from .training import set_values
from .translators import choose_translator

# Against O, where the ensemble finds the names in the English reading. Chosen on Nigerian Pidgin and Yoruba
# (docs/benchmarks.md): 0.6 F1 more than without.
ENGLISH_BIAS = 0.5


def label_by_projection(project: Project) -> Path:
    """Make the teacher, and let it label the text.

    RETURNS (Path): The folder of the labelled text.
    """
    inputs = project.inputs()
    name, translator = choose_translator(project, inputs)
    say(f"Translator: {name}. Another one: --vars.translator NAME")
    text = project.root / inputs["labelled_text"]
    if inputs["road"] == "translator":
        _translate(project, translator, text)
    teacher = assemble_teacher(project, translator)
    output = project.labelled / "projected"
    label_text(project, teacher, text, output)
    done("Text with projected labels", output)
    return output


def label_text(project: Project, pipeline: Path, text: Path, output: Path) -> None:
    """Let a pipeline label a corpus, on the project's GPU or in as many processes as it has workers."""
    workers = project.workers if project.gpu_id < 0 else 1
    annotate(pipeline, text, output, overwrite=True, workers=workers, gpu_id=project.gpu_id, progress=bar)


def teacher_config(project: Project, translator: Dict[str, Any]) -> Config:
    """RETURNS (Config): The whole config of the teacher. translator (Dict[str, Any]): The section of its translator."""
    english = project.english()
    config = base_config("teacher")
    choice = choose_tokenizer(project.lang)
    config["nlp"].update(lang=choice.lang, tokenizer=choice.tokenizer)
    if choice.initialize:
        config["initialize"]["tokenizer"] = choice.initialize
    config["components"]["xner_translator"]["translator"] = translator
    annotator: Dict[str, Any] = {"factory": "xner_annotator", "label_map": "auto"}
    if english["soft"] and project.best:
        annotator["label_map"] = "conll"
        ensemble = {"@xner_annotators": "xner.Ensemble.v1", "models": english["models"], "bias": ENGLISH_BIAS}
        annotator["annotator"] = ensemble
    else:
        annotator["model"] = english["models"][0]
    config["components"]["xner_annotator"] = annotator
    source, target = map(str, project.bitext)
    trained_on = {"source": source, "target": target, "tokenized": True}
    config["initialize"]["components"] = {"xner_aligner": trained_on, "xner_projector": trained_on}
    return set_values(config, {"paths.source_model": None, "paths.source_text": None, "paths.target_text": None})


def assemble_teacher(project: Project, translator: Dict[str, Any]) -> Path:
    """Train the aligner and the projector on the bitext. RETURNS (Path): The folder of the teacher."""
    config = teacher_config(project, translator)
    folder = project.training / "teacher"
    with atomic_write(project.training / "teacher.cfg") as file:
        file.write(config.to_str())
    assemble(project.training / "teacher.cfg", folder)
    done("Teacher", folder)
    return folder


def _translate(project: Project, translator: Dict[str, Any], text: Path) -> None:
    """Translate the text, and write the sentences and their translations for the aligner to learn from. Sentences
    without translation are left out of that.
    """
    folder = project.corpus / "translated"
    with trusted_configs():
        part = registry.resolve({"part": translator})["part"]
    english = blank("en")
    docs = list(read_docs(text, blank(project.lang).vocab))
    sentences = list({doc.text: doc for doc in docs}.values())
    with written_together(), atomic_write(folder / "en.tok") as source, atomic_write(folder / "target.tok") as target:
        translations = progress(part([doc.text for doc in sentences]), len(sentences))
        for doc, translation in zip(sentences, translations, strict=True):
            if translation.text:
                words = [token.text for token in english.make_doc(translation.text) if not token.is_space]
                source.write(f"{' '.join(words)}\n")
                target.write(f"{' '.join(token.text for token in doc if not token.is_space)}\n")
