"""Whether `rida data check` finds planted label errors, and what labels of suggested texts teach beside others."""
