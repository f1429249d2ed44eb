#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "context/settings.hpp"
#include "journal/seal_source.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace journal {

/// What a record that was found says. Errors (-1): why it must not be acted on.
[[nodiscard]] util::Result<std::shared_ptr<ledger::Ledger>> open_record(const lightningd::StoredText& record,
                                                                        const RecordSeal& seal);

/// Looks for records that nobody takes care of. Others may have put any amount of anything beside them: so only the
/// names are listed, and a record is asked for by its own, one after the other. Owned by the Service.
class JournalReader {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    [[nodiscard]] virtual bool is_taken_care_of(const std::string& id) const = 0;
    virtual void found(const lightningd::StoredText& record, const SealSource::Seal& seal) = 0;
    /// What is there under this name is no record that could be acted on.
    virtual void unreadable(const std::string& id, const std::string& why) = 0;
    /// All that was there has been told.
    virtual void journal_read() = 0;
  };

  JournalReader(spark::Runtime& runtime, Owner& owner, const context::Settings& settings, SealSource& seals);
  JournalReader(const JournalReader&) = delete;
  JournalReader& operator=(const JournalReader&) = delete;

  /// Tries until it has read all. While it is at it, it begins again when it is through.
  void read(lightningd::Client client);

 private:
  using Records = std::vector<lightningd::StoredText>;

  void get_seal();
  void list();
  void listed(const Records& names);
  void next();
  void fetch(const std::string& id);
  void fetched(const std::string& id, const Records& records);
  void not_fetched(const std::string& id, const util::Error& error);
  void again_later(void (JournalReader::*what)(), const std::string& why);

  Owner& owner_;
  const context::Settings& settings_;
  SealSource& seals_;
  std::optional<lightningd::Client> client_;  ///< while it reads
  bool once_more_ = false;
  SealSource::Seal seal_;
  std::deque<std::string> ids_;          ///< that it has not come to
  std::map<std::string, int> failures_;  ///< of those that could not be read
  spark::Scope scope_;                   // last, so that it ends first
};

}  // namespace journal
