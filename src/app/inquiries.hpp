#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "journal/seal_source.hpp"
#include "jsonrpc/caller.hpp"
#include "left/left_batches.hpp"
#include "preview/inquiry.hpp"

namespace app {

/// The inquiries that run, by the ids of their records. Owned by the Service.
class Inquiries {
 public:
  using Answers = preview::Inquiry::Answers;

  /// What outlives them, but for the functions.
  struct Parts {
    jsonrpc::Caller& caller;
    journal::SealSource& seals;
    left::LeftBatches& left;
    std::function<journal::Kept(const lightningd::Client&, const context::Settings&, const journal::SealSource::Seal&)>
        new_record;
    std::function<void(bool in_doubt)> ended;  ///< whether lightningd may still make the record
  };

  explicit Inquiries(Parts parts) : parts_(std::move(parts)) {}
  Inquiries(const Inquiries&) = delete;
  Inquiries& operator=(const Inquiries&) = delete;

  /// Nothing is done that could not be recorded. `origin` is the raw id of the command that it is for.
  void start(const peers::Process& process, const std::string& origin, preview::Inquiry::Order order,
             util::Function<void(Answers)> then);
  [[nodiscard]] bool contains(const std::string& id) const { return running_.contains(id); }
  [[nodiscard]] bool empty() const { return running_.empty(); }
  /// Nobody is asked any more, and what there is is undone.
  void stop();
  /// Touches nothing any more: the next start undoes what there is.
  void leave();

 private:
  void start(const peers::Process& process, const lightningd::Client& client, preview::Inquiry::Order order,
             util::Function<void(Answers)> then, const journal::SealSource::Seal& seal);
  void ended(const std::string& id, bool settled, spark::Duration pause);

  const Parts parts_;
  std::map<std::string, std::unique_ptr<preview::Inquiry>> running_;
  bool stopped_ = false;
};

}  // namespace app
