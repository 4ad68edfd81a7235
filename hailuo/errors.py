"""What can go wrong, and what the caller is told (apis.md 3).

GatewayError              500  server_error
  BadRequest              400  invalid_request_error    param names the field
    TooLarge              413                           file_too_large
    Filtered              400                           content_filter
  Unauthorized            401  authentication_error     invalid_api_key and others
  Busy                    429  rate_limit_error         accounts_busy
  NoLiveAccount           503  upstream_error           no_live_account
  ShuttingDown            503  server_error             shutting_down
  ClientDisconnected              499  nobody is there to read it
  UpstreamError           502  upstream_error           may be tried again
    Refused               503                           upstream_busy
      RateLimited         429  rate_limit_error         rate_limit_exceeded
      QuotaExhausted      429  rate_limit_error         insufficient_quota
    Forbidden             403  permission_error         permission_denied
    VoiceUnknown          400  invalid_request_error    invalid_voice
    TokenRejected         401  authentication_error     this token is no longer good
    Unreachable           502                           upstream_unreachable
      UploadFailed         502                           a file, after its second try
    UpstreamProtocolError         502                           upstream_protocol
    EmptyAnswer           502                           upstream_empty
    SpeechNotRepeated     502                           speech_not_repeated
    UpstreamTimeout              504                           upstream_timeout
      PaidTimeout         504                           the same, not tried again
"""

from typing import Any

from .masking import masked

MAX_RETRY_AFTER_S = 60  # more, and openai-node hammers instead of waiting


class GatewayError(Exception):
    """A failure with its status, its type and its code.

    message: for the caller; what is wrong, with which value, and what to do. Secrets in
        it are masked: it may quote a service, which may quote its key.
    param: the field of the request that is wrong, as a path.
    code: overrides the code of the class.
    retry_after_s: seconds after which another try may do, 0 for at once; at most 60
        are said.
    """

    status = 500
    type = "server_error"
    code: str | None = None
    should_retry = True  # False: the same call fails again

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.message = masked(message)
        super().__init__(self.message)
        self.param = param
        self.code = code or self.code
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """What the status alone cannot say: when, or that not at all, to come again."""
        if not self.should_retry:
            return {"x-should-retry": "false"}
        if self.retry_after_s is None:
            return {}
        least = 1 if self.retry_after_s else 0
        seconds = max(least, min(MAX_RETRY_AFTER_S, round(self.retry_after_s)))
        return {"Retry-After": str(seconds)}


class BadRequest(GatewayError):
    """The request cannot be served as it is; *param* names the field."""

    status = 400
    type = "invalid_request_error"


class TooLarge(BadRequest):
    """More bytes than a limit allows; the message says which limit."""

    status = 413
    code = "file_too_large"


class ContentFiltered(BadRequest):
    """The service will not speak of this; another account would not either."""

    code = "content_filter"


class Unauthorized(GatewayError):
    """Nobody we serve, or a caller's own token that is no longer good."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    should_retry = False


class AccountsBusy(GatewayError):
    """Every account was answering somebody else for too long."""

    status = 429
    type = "rate_limit_error"
    code = "accounts_busy"


class NoLiveAccount(GatewayError):
    """The pool has no account that could ever serve."""

    status = 503
    type = "upstream_error"
    code = "no_live_account"
    should_retry = False


class ShuttingDown(GatewayError):
    """The server is leaving; its successor may answer."""

    status = 503
    code = "shutting_down"


class ClientDisconnected(GatewayError):
    """The caller hung up: there is nobody to tell."""

    status = 499
    code = "client_left"


class UpstreamError(GatewayError):
    """The service did not answer as it should.

    How often that is tried again is the retry policy's (retry.py).
    again: whether the account that failed may be among those tried then.
    about_account: whether it says nothing about the question: all other accounts are
        asked before it counts as a try of the answer.
    limits: what is limited where the account must be left alone for a while: the
        "purpose" of the request, or its purpose and "model"; "" for nothing.
    retry_after_s: what the service asks for, until it is known what to tell the client.
    """

    status = 502
    type = "upstream_error"
    retry_same_account = True
    about_account = False
    limits = ""


class UpstreamBusy(UpstreamError):
    """The service says no to this request, now; the message is its own.

    The question or the account may be at fault: what other accounts say will tell.
    """

    limits = "purpose"
    status = 503
    code = "upstream_busy"


class RateLimited(UpstreamBusy):
    """More was asked of this account than it may answer just now."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    about_account = True
    limits = "model"


class QuotaExhausted(UpstreamBusy):
    """This account has nothing left to spend: paying or waiting for hours helps."""

    status = 429
    type = "rate_limit_error"
    code = "insufficient_quota"
    should_retry = False
    retry_same_account = False
    about_account = True


class Forbidden(UpstreamError):
    """Nothing is wrong with this account but that it, or its plan, may not do that."""

    status = 403
    type = "permission_error"
    code = "permission_denied"
    should_retry = False
    retry_same_account = False
    about_account = True


class VoiceUnknown(UpstreamError):
    """This account has no such voice; another one may, since clones belong to one."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_voice"
    retry_same_account = False


class TokenRejected(UpstreamError):
    """The service no longer takes this token; others may do. Not counted as a try."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    should_retry = False
    retry_same_account = False
    about_account = True


class Unreachable(UpstreamError):
    """No connection to the service, or one that broke off."""

    code = "upstream_unreachable"


class UploadFailed(Unreachable):
    """The service did not take a file, twice. Its upload has had its retry."""


class UpstreamProtocolError(UpstreamError):
    """The service said something its protocol does not know."""

    code = "upstream_protocol"


class EmptyAnswer(UpstreamError):
    """The answer ended without a word. Once more is enough (protocol.md 4)."""

    code = "upstream_empty"


class SpeechNotRepeated(UpstreamError):
    """The service would have read out something else than what was asked."""

    code = "speech_not_repeated"
    should_retry = False


class UpstreamTimeout(UpstreamError):
    """The service was silent for too long."""

    status = 504
    code = "upstream_timeout"


class PaidTimeout(UpstreamTimeout):
    """A time-out of a service that charges each try, also those it answers too late."""


def body(error: GatewayError) -> dict[str, Any]:
    """The one error body, OpenAI's: all four keys, always."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }


def clear_tracebacks(error: BaseException | None) -> None:
    """Forget the frames that a failure, and what caused it, went through.

    For one that has been dealt with. Where a frame keeps the failure that it raises
    they hold each other, and with them bodies and events of megabytes; what would find
    them, the collector of garbage, counts objects and not bytes.
    """
    while error:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
