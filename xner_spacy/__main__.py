"""`python -m xner_spacy` is the command `xner`."""

from .cli import main

if __name__ == "__main__":
    main()
