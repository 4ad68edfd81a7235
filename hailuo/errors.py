"""Errors, and the responses that clients receive for them (client-apis.md 3).

GatewayError              500  server_error
  BadRequest              400  invalid_request_error    param names the field
    TooLarge              413                           file_too_large
    ModelUnknown          404                           model_not_found
    ContentFiltered       400                           content_filter
  Unauthorized            401  authentication_error     invalid_api_key and others
  AccountsBusy            429  rate_limit_error         accounts_busy
  NoLiveAccount           503  upstream_error           no_live_account
  ShuttingDown            503  server_error             shutting_down
  PoolUnavailable         503  server_error             pool_unavailable
  LeaseLost               503  server_error             lease_lost
  ClientDisconnected      499  server_error             client_left, in the log alone
  UpstreamError           502  upstream_error           may be retried
    UpstreamBusy          503                           upstream_busy
      RateLimited         429  rate_limit_error         rate_limit_exceeded
      QuotaExhausted      429  rate_limit_error         insufficient_quota
        PlanUsedUp        429                           the same, for a known time
    Forbidden             403  permission_error         permission_denied
    VoiceUnknown          400  invalid_request_error    invalid_voice
    TokenRejected         401  authentication_error     invalid_api_key
    Unreachable           502                           upstream_unreachable
      UploadFailed        502                           after its second attempt
    UpstreamProtocolError 502                           upstream_protocol
    EmptyAnswer           502                           upstream_empty
    SpeechNotRepeated     502                           speech_not_repeated
    ToolCallMissing       502                           tool_call_missing
    SchemaNotMet          502                           schema_not_met
    UpstreamTimeout       504                           upstream_timeout
      PaidTimeout         504                           the same, never retried
"""

from typing import Any

from .masking import masked

MAX_RETRY_AFTER_S = 60  # openai-node ignores a longer one and retries at once


class GatewayError(Exception):
    """A failure with its status, its type and its code.

    message: for the client: what is wrong, with which value, and what to do. Secrets in
        it are masked, since it may quote a service, which may quote its key.
    param: the path of the wrong field of the request.
    code: overrides the code of the class.
    retry_after_s: seconds after which a retry may succeed, 0 for at once; a response
        says at most 60.
    should_retry: whether the same request may succeed later.
    """

    status = 500
    type = "server_error"
    code: str | None = None
    should_retry = True

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
        """Retry headers: when to retry, or that retrying is useless."""
        if not self.should_retry:
            return {"x-should-retry": "false"}
        if self.retry_after_s is None:
            return {}
        shortest_s = 1 if self.retry_after_s else 0
        seconds = max(shortest_s, min(MAX_RETRY_AFTER_S, round(self.retry_after_s)))
        return {"Retry-After": str(seconds)}


class BadRequest(GatewayError):
    """The request is invalid; *param* names the field."""

    status = 400
    type = "invalid_request_error"


class TooLarge(BadRequest):
    """More bytes than a limit allows; the message says which limit."""

    status = 413
    code = "file_too_large"


class ModelUnknown(BadRequest):
    """No account has the model that is asked for by a name of its service's."""

    status = 404
    code = "model_not_found"


class ContentFiltered(BadRequest):
    """The service filtered the content; another account would not help."""

    code = "content_filter"


class Unauthorized(GatewayError):
    """The API key is wrong, or a client's own credential was rejected."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    should_retry = False


class AccountsBusy(GatewayError):
    """No account came free within the queue timeout."""

    status = 429
    type = "rate_limit_error"
    code = "accounts_busy"


class NoLiveAccount(GatewayError):
    """The pool has no account whose credential is accepted."""

    status = 503
    type = "upstream_error"
    code = "no_live_account"
    should_retry = False


class ShuttingDown(GatewayError):
    """The server is shutting down; its successor may answer."""

    status = 503
    code = "shutting_down"


class PoolUnavailable(GatewayError):
    """The pool that several processes share cannot be reached."""

    status = 503
    code = "pool_unavailable"


class LeaseLost(GatewayError):
    """The account may be leased to another process, so the answer is not continued."""

    status = 503
    code = "lease_lost"


class ClientDisconnected(GatewayError):
    """The client has disconnected, so nothing is sent to it."""

    status = 499
    code = "client_left"


class UpstreamError(GatewayError):
    """The service failed to answer.

    The retry policy decides whether the answer is retried (retry.py).
    retry_same_account: whether the account that failed may be asked again.
    about_account: whether the account is at fault, not the question: all others are
        asked before the failure counts as an attempt.
    limits: the limit for which the account has to cool down: the "purpose" of the
        request, or its purpose and "model"; "" for none.
    retry_after_s: as the service asks for, until the client's value is computed.
    """

    status = 502
    type = "upstream_error"
    retry_same_account = True
    about_account = False
    limits = ""


class UpstreamBusy(UpstreamError):
    """The service refuses the request for now; the message is its own.

    The question or the account may be at fault, as the answers of other accounts show.
    """

    limits = "purpose"
    status = 503
    code = "upstream_busy"


class RateLimited(UpstreamBusy):
    """The account has reached a rate limit."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    about_account = True
    limits = "model"


class QuotaExhausted(UpstreamBusy):
    """The account's quota is used up; only payment or hours of waiting help."""

    status = 429
    type = "rate_limit_error"
    code = "insufficient_quota"
    should_retry = False
    retry_same_account = False
    about_account = True


class PlanUsedUp(QuotaExhausted):
    """The usage window of the account's plan is full; it opens again by itself."""


class Forbidden(UpstreamError):
    """The account, or its plan, lacks the permission."""

    status = 403
    type = "permission_error"
    code = "permission_denied"
    should_retry = False
    retry_same_account = False
    about_account = True


class VoiceUnknown(UpstreamError):
    """The account has no such voice; another may: a cloned voice belongs to one."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_voice"
    retry_same_account = False


class TokenRejected(UpstreamError):
    """The service rejects the token; the attempt does not count."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"
    should_retry = False
    retry_same_account = False
    about_account = True


class Unreachable(UpstreamError):
    """The service cannot be reached, or the connection was lost."""

    code = "upstream_unreachable"


class UploadFailed(Unreachable):
    """The upload of a file failed twice; the upload has had its retry."""


class UpstreamProtocolError(UpstreamError):
    """The service violated its protocol."""

    code = "upstream_protocol"


class EmptyAnswer(UpstreamError):
    """The answer ended without text; a second attempt is enough (protocol.md 4)."""

    code = "upstream_empty"


class SpeechNotRepeated(UpstreamError):
    """The service would have read out another text than the requested one."""

    code = "speech_not_repeated"
    should_retry = False


class ToolCallMissing(UpstreamError):
    """The model did not make the call that the client requires, twice."""

    code = "tool_call_missing"


class SchemaNotMet(UpstreamError):
    """The model's answer does not have the form that the client requires, twice."""

    code = "schema_not_met"


class UpstreamTimeout(UpstreamError):
    """The service was silent for too long."""

    status = 504
    code = "upstream_timeout"


class PaidTimeout(UpstreamTimeout):
    """A timeout of a service that charges each attempt, late answers included."""


def body(error: GatewayError) -> dict[str, Any]:
    """Return OpenAI's error body, always with all four keys."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
        }
    }
