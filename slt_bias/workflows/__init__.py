"""One file a command: compute → table → figure → report. The only place where measuring and drawing meet."""
