"""Trains SetFit once, by its own library: python set_fit_once.py ASKED.json ANSWERED.json

Needs setfit in its environment. As the library's paper has it: pairs by 20 iterations, one epoch, logistic regression.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from datasets import Dataset
from sentence_transformers import SentenceTransformer, models
from setfit import SetFitModel, Trainer, TrainingArguments
from setfit.modeling import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier


def main() -> None:
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    word = models.Transformer(asked["encoder"], max_seq_length=128)
    body = SentenceTransformer(
        modules=[word, models.Pooling(word.get_word_embedding_dimension(), "mean")], device="cpu"
    )
    head = LogisticRegression(max_iter=1000)
    several = not asked["one_of_many"]
    model = SetFitModel(
        model_body=body, model_head=OneVsRestClassifier(head) if several else head,
        multi_target_strategy="one-vs-rest" if several else None,
    )  # fmt: skip
    labels = asked["gold"] if several else [row.index(1) for row in asked["gold"]]
    with_labels = [at for at, row in enumerate(asked["gold"]) if several or any(row)]
    rows = {"text": [asked["texts"][at] for at in with_labels], "label": [labels[at] for at in with_labels]}
    began = time.perf_counter()
    arguments = TrainingArguments(
        batch_size=16, num_epochs=1, num_iterations=20, seed=asked["seed"], report_to="none", save_strategy="no",
        show_progress_bar=False, output_dir=str(Path(sys.argv[2]).parent / "checkpoints"),
    )  # fmt: skip
    trainer = Trainer(model=model, args=arguments, train_dataset=Dataset.from_dict(rows))
    trainer.train()
    seconds = time.perf_counter() - began
    scores = {name: model.predict_proba(texts, as_numpy=True).tolist() for name, texts in asked["tests"].items()}
    Path(sys.argv[2]).write_text(json.dumps({"seconds": seconds, "scores": scores}), encoding="utf-8")


if __name__ == "__main__":
    main()
