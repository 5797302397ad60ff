"""From a suite to a run folder: plan, originals, reconstructions, scores."""
