"""Images, which the web service does not make."""

from ...concurrency.watch import Watch
from ...errors import BadRequest
from .. import Credential, ImagePrompt, ImageStream


class NoImages:
    """The part of an Upstream that would make images."""

    def unsupported_images(self, prompt: ImagePrompt) -> BadRequest:
        return BadRequest(
            "web accounts cannot make images: a key of the official platform is needed "
            "(HAILUO_TOKENS, or as the API key)",
            param="model",
            code="unsupported_value",
        )

    def draw(
        self, account: Credential, prompt: ImagePrompt, watch: Watch
    ) -> ImageStream:
        raise self.unsupported_images(prompt)
