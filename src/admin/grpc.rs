//! The gRPC service `masker.v1.Masker`, behind a bearer token.
//!
//! The token and the number of calls at a time are checked before a message is
//! read. `Unmask` is an oracle for originals: it is limited per minute.

use std::str;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tonic::codegen::InterceptedService;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::{Request, Response, Status};

use crate::admin::audit::{Audit, End};
use crate::admin::core::{CoreError, Document, Format};
use crate::admin::news::{self, Events};
use crate::admin::proto;
use crate::admin::proto::masker_server::{Masker, MaskerServer};
use crate::admin::rate::{Exceeded, Rate};
use crate::admin::token::Denied;
use crate::admin::{Control, Limits, log_level, mode_status};
use crate::listen::Peer;
use crate::mask::{Tenant, placeholder};
use crate::mode::Order;
use crate::telemetry::findings::Found;

/// What a message holds besides its content.
const OVERHEAD: usize = 4096;
/// Characters of the reason for a mode.
pub(super) const REASON: usize = 200;
/// No mode is set for longer, in seconds.
pub(super) const DAY: u64 = 86_400;
/// Callers that watch events at a time.
const WATCHERS: usize = 16;
/// Originals may be longer than their placeholders.
const GROWTH: usize = 4;

const HOW_TO: &str = "no token file is configured for the admin listener: write a token of at \
    least 32 characters to a file of mode 0600, name it as `token_file` under `[admin]` in the \
    configuration, and send it as `authorization: Bearer <token>`";

pub(super) type Service = InterceptedService<MaskerServer<Api>, Guard>;

pub(super) fn service(control: &Control, guard: Guard) -> Service {
    let Limits { body, unmask_calls, unmask_placeholders, .. } = control.limits;
    let api = Api {
        control: control.clone(),
        calls: Rate::new(unmask_calls),
        placeholders: Rate::new(unmask_placeholders),
        watchers: Arc::new(Semaphore::new(WATCHERS)),
    };
    let server = MaskerServer::new(api)
        .max_decoding_message_size(body.saturating_add(OVERHEAD))
        .max_encoding_message_size(body.saturating_mul(GROWTH).saturating_add(OVERHEAD));
    InterceptedService::new(server, guard)
}

/// Admits a call, or refuses it before its message is read.
#[derive(Clone)]
pub(super) struct Guard {
    control: Control,
    places: Arc<Semaphore>,
}

impl Guard {
    pub(super) fn new(control: &Control) -> Self {
        let places = Arc::new(Semaphore::new(control.limits.calls));
        Self { control: control.clone(), places }
    }
}

/// A call's place. Extensions must be `Clone`.
#[derive(Clone)]
struct Place {
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Interceptor for Guard {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let refused = |request: &Request<()>, status: Status| {
            Audit::begin("-", request.extensions().get::<Peer>(), 0).failed(&status);
            Err(status)
        };
        let authorization = request.metadata().get("authorization").map(MetadataValue::as_bytes);
        if let Err(denied) = self.control.token.check(authorization) {
            let text = match denied {
                Denied::NoFile => HOW_TO,
                Denied::Missing => "`authorization: Bearer <token>` is required",
                Denied::Wrong => "the bearer token is not the one in the token file",
            };
            return refused(&request, Status::unauthenticated(text));
        }
        // The handlers have no use for it.
        request.metadata_mut().remove("authorization");
        match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => {
                request.extensions_mut().insert(Place { _permit: Arc::new(permit) });
                Ok(request)
            }
            Err(_) => refused(&request, Status::resource_exhausted("too many calls at a time")),
        }
    }
}

pub(super) struct Api {
    control: Control,
    calls: Rate,
    placeholders: Rate,
    watchers: Arc<Semaphore>,
}

impl Api {
    fn document<'a>(
        &self,
        audit: &mut Audit,
        tenant: &str,
        format: i32,
        content: &'a [u8],
    ) -> Result<Document<'a>, Status> {
        let invalid = |text: String| Status::invalid_argument(text);
        let tenant = Tenant::named(tenant).map_err(|error| invalid(error.to_string()))?;
        audit.tenant(&tenant);
        let format = match proto::Format::try_from(format) {
            Ok(proto::Format::Text) => Format::Text,
            Ok(proto::Format::Json) => Format::Json,
            Ok(proto::Format::Unspecified) | Err(_) => {
                return Err(invalid("format must be FORMAT_TEXT or FORMAT_JSON".to_owned()));
            }
        };
        let (length, limit) = (content.len(), self.control.limits.body);
        if length > limit {
            return Err(invalid(format!("content has {length} bytes; at most {limit} are taken")));
        }
        let text = str::from_utf8(content).map_err(|error| {
            invalid(format!("content is not UTF-8 at byte {}", error.valid_up_to()))
        })?;
        Ok(Document { tenant, format, text })
    }

    async fn masked(
        &self,
        audit: &mut Audit,
        asked: &proto::MaskRequest,
    ) -> Result<proto::MaskResponse, Status> {
        let document = self.document(audit, &asked.tenant, asked.format, &asked.content)?;
        let masked = self.control.core.mask(document).await.map_err(status)?;
        let findings = masked.findings.into_iter().collect();
        Ok(proto::MaskResponse { content: masked.content, findings })
    }

    async fn unmasked(
        &self,
        audit: &mut Audit,
        asked: &proto::UnmaskRequest,
    ) -> Result<proto::UnmaskResponse, Status> {
        let document = self.document(audit, &asked.tenant, asked.format, &asked.content)?;
        let limits = &self.control.limits;
        let limit_calls = |error| limited(&error, limits.unmask_calls, "calls of Unmask");
        let limit_all = |error| limited(&error, limits.unmask_placeholders, "placeholders");
        self.calls.take(1).map_err(limit_calls)?;
        let plain = count(placeholder::spans(document.text).len());
        self.placeholders.take(plain).map_err(limit_all)?;
        let unmasked = self.control.core.unmask(document).await.map_err(status)?;
        // JSON escapes hide placeholders from the first count.
        let found = unmasked.restored.saturating_add(unmasked.unknown);
        self.placeholders.take(found.saturating_sub(plain)).map_err(limit_all)?;
        let (restored, unknown) = (unmasked.restored, unmasked.unknown);
        Ok(proto::UnmaskResponse { content: unmasked.content, restored, unknown })
    }
}

#[tonic::async_trait]
impl Masker for Api {
    async fn mask(
        &self,
        request: Request<proto::MaskRequest>,
    ) -> Result<Response<proto::MaskResponse>, Status> {
        let (_, place, asked) = request.into_parts();
        let mut audit = Audit::begin("Mask", place.get::<Peer>(), asked.content.len());
        end(self.masked(&mut audit, &asked).await, audit, |answer| End {
            response_bytes: answer.content.len(),
            findings: answer.findings.values().sum(),
            ..End::default()
        })
    }

    async fn unmask(
        &self,
        request: Request<proto::UnmaskRequest>,
    ) -> Result<Response<proto::UnmaskResponse>, Status> {
        let (_, place, asked) = request.into_parts();
        let peer = place.get::<Peer>();
        let mut audit = Audit::kept(&self.control.journal, "Unmask", peer, asked.content.len());
        end(self.unmasked(&mut audit, &asked).await, audit, |answer| End {
            response_bytes: answer.content.len(),
            restored: answer.restored,
            unknown: answer.unknown,
            ..End::default()
        })
    }

    async fn get_status(
        &self,
        request: Request<proto::GetStatusRequest>,
    ) -> Result<Response<proto::GetStatusResponse>, Status> {
        let audit = Audit::begin("GetStatus", request.extensions().get::<Peer>(), 0);
        let status = (self.control.status)();
        let log_level = self.control.log.level().to_owned();
        let answer = status.answer(self.control.watch.why(), log_level);
        end(Ok(answer), audit, |_| End::default())
    }

    async fn set_mode(
        &self,
        request: Request<proto::SetModeRequest>,
    ) -> Result<Response<proto::SetModeResponse>, Status> {
        let (_, place, asked) = request.into_parts();
        let mut audit = Audit::kept(&self.control.journal, "SetMode", place.get::<Peer>(), 0);
        let ordered = order(&asked).and_then(|(order, reason)| {
            audit.mode(asked.mode().as_str_name(), asked.seconds, reason);
            let view = (self.control.order)(order)
                .map_err(|refused| Status::failed_precondition(refused.to_string()))?;
            self.control.watch.ordered(view.mode, reason, &audit.peer);
            Ok(view)
        });
        let why = self.control.watch.why();
        let answer =
            ordered.map(|view| proto::SetModeResponse { mode: Some(mode_status(view, why)) });
        end(answer, audit, |_| End::default())
    }

    async fn set_log_level(
        &self,
        request: Request<proto::SetLogLevelRequest>,
    ) -> Result<Response<proto::SetLogLevelResponse>, Status> {
        let (_, place, asked) = request.into_parts();
        let mut audit = Audit::kept(&self.control.journal, "SetLogLevel", place.get::<Peer>(), 0);
        let given = one_line(&asked.reason).and_then(|reason| {
            let needed = || Status::invalid_argument("the log's level needs a reason");
            Some(reason).filter(|reason| !reason.is_empty()).ok_or_else(needed)
        });
        let set = given.and_then(|reason| {
            log_level(&self.control, &mut audit, &asked.level, reason)
                .map_err(|error| Status::invalid_argument(error.to_string()))
        });
        let answer = set.map(|own| proto::SetLogLevelResponse { before: own.to_owned() });
        end(answer, audit, |_| End::default())
    }

    type WatchEventsStream = Events;

    async fn watch_events(
        &self,
        request: Request<proto::WatchEventsRequest>,
    ) -> Result<Response<Events>, Status> {
        let audit = Audit::begin("WatchEvents", request.extensions().get::<Peer>(), 0);
        let full = |_| Status::resource_exhausted(format!("{WATCHERS} callers watch already"));
        let place = Arc::clone(&self.watchers).try_acquire_owned().map_err(full);
        let events = place.map(|place| news::events(self.control.watch.listen(), place));
        end(events, audit, |_| End::default())
    }

    async fn list_findings(
        &self,
        request: Request<proto::ListFindingsRequest>,
    ) -> Result<Response<proto::ListFindingsResponse>, Status> {
        let audit = Audit::begin("ListFindings", request.extensions().get::<Peer>(), 0);
        let all = self.control.watch.metrics().findings.all().into_iter();
        let finding = |own: Found| proto::Finding {
            kind: own.kind.into(),
            family: own.family.into(),
            critical: own.critical,
            count: own.count,
        };
        let answer = proto::ListFindingsResponse { findings: all.map(finding).collect() };
        end(Ok(answer), audit, |_| End::default())
    }

    async fn reload(
        &self,
        request: Request<proto::ReloadRequest>,
    ) -> Result<Response<proto::ReloadResponse>, Status> {
        let peer = request.extensions().get::<Peer>();
        let audit = Audit::kept(&self.control.journal, "Reload", peer, 0);
        let (tell, told) = oneshot::channel();
        let asked = self.control.reload.try_send(tell);
        let answer = match asked {
            Err(_) => Err(Status::unavailable("the configuration is being read already")),
            Ok(()) => told.await.map_err(|_| Status::unavailable("masker is shutting down")),
        };
        end(answer.map(|applied| proto::ReloadResponse { applied }), audit, |_| End::default())
    }
}

/// Why something is set.
fn one_line(reason: &str) -> Result<&str, Status> {
    let reason = reason.trim();
    if reason.chars().count() > REASON || reason.chars().any(char::is_control) {
        let text = format!("reason has at most {REASON} characters, on one line");
        return Err(Status::invalid_argument(text));
    }
    Ok(reason)
}

/// What is ordered, and why.
fn order(asked: &proto::SetModeRequest) -> Result<(Order, &str), Status> {
    let invalid = Status::invalid_argument;
    let reason = one_line(&asked.reason)?;
    if asked.seconds > DAY {
        return Err(invalid(format!("seconds must be at most {DAY}, a day")));
    }
    let time = (asked.seconds > 0).then(|| Duration::from_secs(asked.seconds));
    let order = match asked.mode() {
        proto::Mode::Normal if time.is_some() => {
            return Err(invalid("MODE_NORMAL has no end: leave seconds out".to_owned()));
        }
        proto::Mode::Normal => Order::Normal,
        proto::Mode::BlockAll => Order::BlockAll { time },
        proto::Mode::Bypass if reason.is_empty() => {
            return Err(invalid("MODE_BYPASS needs a reason for the audit log".to_owned()));
        }
        proto::Mode::Bypass => Order::Bypass { time },
        proto::Mode::Degraded => {
            return Err(invalid("MODE_DEGRADED is entered when the store is down".to_owned()));
        }
        proto::Mode::Unspecified => {
            return Err(invalid(
                "mode must be MODE_NORMAL, MODE_BLOCK_ALL or MODE_BYPASS".to_owned(),
            ));
        }
    };
    Ok((order, reason))
}

fn end<T>(
    answer: Result<T, Status>,
    audit: Audit,
    sizes: impl FnOnce(&T) -> End,
) -> Result<Response<T>, Status> {
    match answer {
        Ok(answer) => {
            audit.answered(sizes(&answer));
            Ok(Response::new(answer))
        }
        Err(status) => {
            audit.failed(&status);
            Err(status)
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn status(error: CoreError) -> Status {
    match error {
        CoreError::Refused(reason) => Status::invalid_argument(reason),
        CoreError::Unavailable(reason) => Status::unavailable(reason),
        CoreError::Internal(reason) => Status::internal(reason),
    }
}

fn limited(error: &Exceeded, limit: u32, what: &str) -> Status {
    match error {
        Exceeded::Never => Status::invalid_argument(format!("more than {limit} {what}")),
        Exceeded::Wait(wait) => {
            // Rounded up: too early would be refused again.
            let millis = wait.as_millis() + 1;
            let text = format!("more than {limit} {what} in a minute: try again in {millis} ms");
            let mut status = Status::resource_exhausted(text);
            // gRFC A6: how long a client that retries by itself has to wait.
            if let Ok(millis) = millis.to_string().parse() {
                status.metadata_mut().insert("grpc-retry-pushback-ms", millis);
            }
            status
        }
    }
}
