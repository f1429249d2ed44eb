#pragma once

#include <memory>
#include <string>

#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "sim/lightningd.hpp"
#include "util/transport.hpp"

namespace sim {

/// One client of the RPC socket. Owned by the Lightningd, gone when the client closes; its commands
/// go on then, and nobody hears of their results.
class RpcConnection final : private util::Receiver {
 public:
  RpcConnection(Lightningd& lightningd, std::unique_ptr<util::Transport> transport);
  ~RpcConnection() = default;

  /// The client is killed while some of its messages are under way: perhaps it had not written them all.
  void client_dies();

 private:
  void received(std::string_view bytes) override;
  void drained() override {}
  void closed(const std::string& reason) override;

  [[nodiscard]] bool dispatch(std::string_view text);
  void enable_notifications(const jsonrpc::Message& message);
  void read_later(Request request, Reply reply);
  void carry_out(Request request, Reply reply);
  void carry_out_badly(const RpcFault& fault, Request request, Reply reply);
  void close();
  [[nodiscard]] Reply reply_to(const std::string& raw_id);

  Lightningd& lightningd_;
  std::unique_ptr<util::Transport> transport_;
  jsonrpc::Framer framer_;
  bool notifications_ = false;
  spark::Duration busy_until_{-1};        // with the requests before
  std::shared_ptr<RpcConnection*> self_;  // replies look here whether we still are
};

}  // namespace sim
