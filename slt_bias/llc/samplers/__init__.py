"""Samplers, one a module, all over chains × models at once."""
