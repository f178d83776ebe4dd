"""Generative adversarial networks in JAX: pure steps, explicit keys, measured honestly."""

from jgan.types import GAN, Batch, DataSpec, Game, GANState, Network, PlayerState

__all__ = ["GAN", "Batch", "DataSpec", "GANState", "Game", "Network", "PlayerState"]
