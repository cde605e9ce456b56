"""How people teach Rida: files of labelled texts, own topics, training on own labels, and comparing what came of it."""
