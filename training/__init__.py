"""How weights come to be: fine-tuning, evaluation, calibration, export."""
