"""The triage inbox in the browser: pages made here, no build step, no inline script."""
