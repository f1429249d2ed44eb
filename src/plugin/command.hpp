#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "plugin/filter.hpp"
#include "util/log.hpp"
#include "util/result.hpp"

namespace plugin {

class Plugin;

/// One command that lightningd sent us and that awaits its one reply. Move-only; whoever holds it
/// answers. Dropping it unanswered answers with an internal error, so that no caller hangs.
class Command {
 public:
  Command(Command&&) noexcept;
  Command& operator=(Command&&) noexcept;
  ~Command();

  /// The raw JSON-RPC id, quotes included.
  [[nodiscard]] const std::string& raw_id() const { return raw_id_; }

  void succeed(std::string_view result_json);
  void fail(const util::Error& error);
  /// A line for the client (`message` notification); nothing after the reply.
  void message(util::Level level, std::string_view text);
  /// Progress for the client: stage `stage` of `stages`, step `num` of `total`; both zero-based.
  /// total is forced to at least 2 and num below total (lightning-cli breaks otherwise), stage
  /// likewise; with fewer than two stages none is reported.
  void progress(std::size_t num, std::size_t total, std::size_t stage, std::size_t stages);

 private:
  friend class Plugin;
  Command(std::weak_ptr<Plugin*> plugin, std::string raw_id);
  void show_only(Filter filter) { filter_ = std::move(filter); }
  void answer(const util::Result<std::string>& result);
  void notify(std::string_view method, std::string_view params_json);

  std::weak_ptr<Plugin*> plugin_;  // replies after the plugin went away are dropped
  std::string raw_id_;
  std::optional<Filter> filter_;  ///< of the result
  bool answered_ = false;
};

}  // namespace plugin
