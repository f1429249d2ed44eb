#include "sim/rpc_connection.hpp"

#include "json/writer.hpp"

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

}  // namespace

RpcConnection::RpcConnection(Lightningd& lightningd, std::unique_ptr<util::Transport> transport)
    : lightningd_(lightningd), transport_(std::move(transport)), self_(std::make_shared<RpcConnection*>(this)) {
  transport_->start(*this);
}

void RpcConnection::received(std::string_view bytes) {
  const auto fed = framer_.feed(bytes, [this](std::string_view text) { return dispatch(text); });
  if (fed) return;
  transport_->send(jsonrpc::error_text("null", {lightningd::code::invalid_request, "Invalid token in json input", ""}));
  lightningd_.forget(*this);
}

bool RpcConnection::dispatch(std::string_view text) {
  const auto message = jsonrpc::Message::parse(text);
  if (!message || message->is_reply() || message->raw_id().empty()) {
    transport_->send(jsonrpc::error_text("null", {lightningd::code::invalid_request, "No id or method", ""}));
    return true;
  }
  if (message->method() == "notifications") {
    enable_notifications(*message);
    return true;
  }
  const auto filter = message->filter();
  lightningd_.handle(
      {message->raw_id(), message->method(), message->params().dump(), filter ? Filter(*filter) : Filter()},
      reply_to(message->raw_id()));
  return true;
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
    (*self)->transport_->send(result ? jsonrpc::reply_text(raw_id, *result)
                                     : jsonrpc::error_text(raw_id, result.error()));
  };
  if (!notifications_) return Reply(std::move(deliver));
  auto notify = [weak, raw_id](std::string_view method, std::string_view params) {
    const auto self = weak.lock();
    if (self) (*self)->transport_->send(jsonrpc::notification_text(method, with_id(params, raw_id)));
  };
  return Reply(std::move(deliver), std::move(notify));
}

void RpcConnection::closed(const std::string&) { lightningd_.forget(*this); }

}  // namespace sim
