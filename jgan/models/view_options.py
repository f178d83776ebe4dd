"""The options of random views of the data, for models of image translation."""

import dataclasses

from jgan import views
from jgan.steps import Steps


@dataclasses.dataclass(frozen=True)
class Views:
    """Random views of the images that both players see; both images of a pair are changed alike."""

    jitter: float = 0.0
    """enlarge the images by this factor, then cut their old size out (authors: 286 / 256 = 1.1171875); 0: no jitter"""
    flip: bool = False
    """mirror half of the images, left and right (authors: yes)"""

    def seen(self, steps: Steps, n_critic: int = 1) -> Steps:
        """The steps, which see the data through these views.

        Args:
          steps: the steps of the model.
          n_critic: discriminator updates in one step.

        Returns:
          The `Steps`; those given if there is nothing to change.

        Raises:
          ValueError: if the jitter is not 0 and below 1.

        Example:
          >>> from jgan.models.view_options import AUTHORS, Views
          >>> from jgan.steps import Steps
          >>> step = lambda key, state, batch, *, axis_name=None: (state, {})
          >>> steps = Steps(step, step, step)
          >>> Views().seen(steps) is steps, AUTHORS.seen(steps) is steps
          (True, False)
        """
        changes = [views.jitter(self.jitter)] if self.jitter else []
        changes += [views.flip()] if self.flip else []
        return views.viewed(steps, views.of_images(*changes), n_critic) if changes else steps


AUTHORS = Views(jitter=286 / 256, flip=True)
"""Those of pix2pix and CycleGAN for photographs: from 256 to 286 pixels, a random crop of 256, and a flip (Isola et al., 2017;
Zhu et al., 2017). The images of digits must not be mirrored."""
