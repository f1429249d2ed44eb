#include "sim/rpc_connection.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "psbt/psbt.hpp"
#include "sim/memory_transport.hpp"
#include "sim/params.hpp"
#include "sim/raw_psbt.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

/// The params of a notification with the id of the plugin's command replaced by the client's.
std::string with_id(std::string_view params_json, const std::string& raw_id) {
  const auto document = json::Document::parse(params_json, "params");
  if (!document) return std::string(params_json);
  json::Writer writer;
  writer.object();
  for (const auto& [name, value] : document->root().members()) {
    writer.raw_field(name, name == "id" ? raw_id : value.dump());
  }
  return writer.end().take();
}

/// The reply of signpsbt with another transaction in it, signed as well.
Reply for_another(Core& core, Reply reply) {
  return Reply([&core, reply = std::move(reply)](util::Result<std::string> result) mutable {
    const auto document = result ? json::Document::parse(*result, "signpsbt") : json::Document::parse("", "");
    const auto text = document ? document->root().find("signed_psbt") : std::nullopt;
    const auto psbt = text ? psbt::Psbt::from_base64(token_text(*text)) : psbt::Psbt::from_base64("");
    const auto raw = psbt ? RawPsbt::from(*psbt) : std::nullopt;
    if (!raw) return reply.finish(std::move(result));
    auto transaction = raw->transaction();
    ++transaction.locktime;
    RawPsbt other(transaction);
    for (std::size_t i = 0; i < transaction.inputs.size(); ++i) {
      const Coin* coin = core.wallet.find(transaction.inputs[i].outpoint);
      if (coin == nullptr) continue;
      other.describe(i, *coin);
      other.sign(i, *coin, core.random);
    }
    reply.succeed(json::Writer().object().field("signed_psbt", other.base64()).end().take());
  });
}

/// A reply that comes late or in a form that nobody understands.
Reply spoilt(Core& core, const RpcFault& fault, Reply reply) {
  return Reply([&core, fault, reply = std::move(reply)](util::Result<std::string> result) mutable {
    if (fault.what == Mishap::unreadable && result) *result = core.rpc_faults.nonsense();
    auto answer = std::make_shared<util::Result<std::string>>(std::move(result));
    core.after(fault.delay, [reply = std::move(reply), answer]() mutable { reply.finish(std::move(*answer)); });
  });
}

/// As lightningd words it. Whoever makes JSON of a text may escape its slashes.
util::Error repeating(Core& core, const Request& request) {
  const auto document = json::Document::parse(request.params, "params");
  const auto given = document ? document->root().find("psbt") : std::nullopt;
  const auto text = given ? given->string() : util::Result<std::string_view>(std::string_view());
  const std::string psbt(text ? *text : std::string_view());
  if (request.method == "sendpsbt" && !psbt.empty()) core.monitor.secret(psbt);
  std::string escaped;
  for (const char c : psbt) escaped += c == '/' ? std::string(R"(\/)") : std::string(1, c);
  namespace code = lightningd::code;
  switch (core.random.below(4)) {
    case 0:
      return {code::generic, util::str("PSBT not finalizeable ", psbt), {}};
    case 1:
      return {code::invalid_params, util::str("psbt: Expected a PSBT: invalid token '", escaped, "'"), {}};
    case 2:
      return {code::generic, util::str("\x1b[2J\x7f", std::string(70'000, '!'), psbt), {}};
    default:
      return {code::generic, "not today", json::Writer().object().field("psbt", psbt).end().take()};
  }
}

}  // namespace

RpcConnection::RpcConnection(Lightningd& lightningd, std::unique_ptr<util::Transport> transport)
    : lightningd_(lightningd), transport_(std::move(transport)), self_(std::make_shared<RpcConnection*>(this)) {
  transport_->start(*this);
}

void RpcConnection::received(std::string_view bytes) {
  const auto fed = framer_.feed(bytes, [this](std::string_view text) { return dispatch(text); });
  if (fed) return;
  transport_->send(jsonrpc::error_text("null", {lightningd::code::invalid_request, "Invalid token in json input", ""}));
  close();
}

void RpcConnection::client_dies() {
  lose_unread(*transport_, lightningd_.node().core().rpc_faults.written(unread(*transport_)));
}

bool RpcConnection::dispatch(std::string_view text) {
  // The plugin writes JSON, whatever it reads.
  const auto message = json::Document::parse(text, "message") ? jsonrpc::Message::parse(text)
                                                              : util::Result<jsonrpc::Message>(util::Error{});
  if (!message || message->is_reply() || message->raw_id().empty()) {
    transport_->send(jsonrpc::error_text("null", {lightningd::code::invalid_request, "No id or method", ""}));
    return true;
  }
  if (message->method() == "notifications") {
    enable_notifications(*message);
    return true;
  }
  const auto filter = message->filter();
  Request request{message->raw_id(), message->method(), message->params().dump(), filter ? Filter(*filter) : Filter(),
                  lightningd_.node().core().runtime.now()};
  const std::weak_ptr<RpcConnection*> weak = self_;
  read_later(std::move(request), reply_to(message->raw_id()));
  return !weak.expired();
}

/// lightningd comes to each request when it has the time, one after the other.
void RpcConnection::read_later(Request request, Reply reply) {
  auto& core = lightningd_.node().core();
  const auto now = core.runtime.now();
  const auto delay = core.rpc_faults.reading();
  if (delay.count() == 0 && busy_until_ < now) return carry_out(std::move(request), std::move(reply));
  // A timer that is due with the last one runs after it.
  busy_until_ = std::max(busy_until_, now) + delay;
  const std::weak_ptr<RpcConnection*> weak = self_;
  auto& lightningd = lightningd_;
  core.after(busy_until_ - now, [weak, &lightningd, request = std::move(request), reply = std::move(reply)]() mutable {
    if (const auto self = weak.lock()) return (*self)->carry_out(std::move(request), std::move(reply));
    auto& monitor = lightningd.node().core().monitor;
    monitor.nobody_hears(true);
    lightningd.handle(std::move(request), Reply());
    monitor.nobody_hears(false);
  });
}

void RpcConnection::carry_out(Request request, Reply reply) {
  auto& core = lightningd_.node().core();
  const auto fault = core.rpc_faults.next(request.method);
  if (!fault) return lightningd_.handle(std::move(request), std::move(reply));
  static constexpr const char* names[] = {"reply lost", "stuck", "late",    "held up", "unreadable", "refused",
                                          "unknown",    "cut",   "another", "repeats", "cut first"};
  core.trace("=== fault in ", request.method, ": ", names[static_cast<std::size_t>(fault->what)]);
  carry_out_badly(*fault, std::move(request), std::move(reply));
}

void RpcConnection::carry_out_badly(const RpcFault& fault, Request request, Reply reply) {
  auto& core = lightningd_.node().core();
  const auto unheard = [&core] { core.monitor.nobody_heard(core.asked, core.runtime.now()); };
  switch (fault.what) {
    case Mishap::stuck:
      return;
    case Mishap::refused:
      return reply.fail(fault.code, fault.text);
    case Mishap::unknown:
      return reply.fail(lightningd::code::method_not_found, util::str("Unknown command '", request.method, "'"));
    case Mishap::reply_lost:
      lightningd_.handle(std::move(request), Reply());
      return unheard();
    case Mishap::held_up: {
      auto& lightningd = lightningd_;
      core.after(fault.delay, [&lightningd, request = std::move(request), reply = std::move(reply)]() mutable {
        lightningd.handle(std::move(request), std::move(reply));
      });
      return;
    }
    case Mishap::late:
    case Mishap::unreadable:
      lightningd_.handle(std::move(request), spoilt(core, fault, std::move(reply)));
      return unheard();
    case Mishap::another:
      return lightningd_.handle(std::move(request), for_another(core, std::move(reply)));
    case Mishap::repeats:
      return reply.finish(repeating(core, request));
    case Mishap::cut_first: {
      auto& lightningd = lightningd_;
      core.after(fault.delay, [&lightningd, request = std::move(request)]() mutable {
        lightningd.node().core().monitor.nobody_hears(true);
        lightningd.handle(std::move(request), Reply());
        lightningd.node().core().monitor.nobody_hears(false);
      });
      return close();
    }
    case Mishap::cut:
      lightningd_.handle(std::move(request), Reply());
      unheard();
      return close();
  }
}

void RpcConnection::enable_notifications(const jsonrpc::Message& message) {
  Params params(ParamNames("enable"), message.params());
  notifications_ = params.flag("enable", false);
  Reply reply = reply_to(message.raw_id());
  if (params.error()) return reply.finish(*params.error());
  reply.succeed("{}");
}

Reply RpcConnection::reply_to(const std::string& raw_id) {
  const std::weak_ptr<RpcConnection*> weak = self_;
  auto deliver = [weak, raw_id](util::Result<std::string> result) {
    const auto self = weak.lock();
    if (!self) return;
    auto text = result ? jsonrpc::reply_text(raw_id, *result) : jsonrpc::error_text(raw_id, result.error());
    (*self)->transport_->send((*self)->lightningd_.node().core().corruption.pass(std::move(text)));
  };
  if (!notifications_) return Reply(std::move(deliver));
  auto notify = [weak, raw_id](std::string_view method, std::string_view params) {
    const auto self = weak.lock();
    if (self) (*self)->transport_->send(jsonrpc::notification_text(method, with_id(params, raw_id)));
  };
  return Reply(std::move(deliver), std::move(notify));
}

void RpcConnection::close() { lightningd_.forget(*this); }

void RpcConnection::closed(const std::string&) { close(); }

}  // namespace sim
