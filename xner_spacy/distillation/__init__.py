"""The student and what it learns from: tags, decoding, losses, soft labels, teachers, selection, calibration."""
