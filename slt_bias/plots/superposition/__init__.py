"""Figures of the superposition subject: one function a figure, from arrays and tables; nothing is computed."""
