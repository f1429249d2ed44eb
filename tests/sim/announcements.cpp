#include "sim/announcements.hpp"

#include "json/value.hpp"
#include "util/str.hpp"

namespace sim {

std::optional<Announcement> Announcements::read(std::string topic, std::string_view params, std::uint64_t life) {
  const auto document = json::Document::parse(params, "params");
  const auto content = document ? document->root().find(topic) : std::nullopt;
  const auto batch = content ? content->string("batch") : util::Result<std::string_view>(util::Error{});
  if (!batch || !content->find("state") || !content->find("destinations")) return std::nullopt;
  Announcement told{std::move(topic), std::string(*batch), content->dump(), {}, life};
  if (const auto txid = content->string("txid")) told.txid = bitcoin::Txid::from_hex(*txid);
  return told;
}

std::optional<std::string> Announcements::too_many(const Announcement& told, bool aborted) const {
  for (const auto& before : all_) {
    if (before.batch != told.batch || before.life != told.life) continue;
    if (before.is("multifundchannel_opened") && told.is("multifundchannel_failed") && aborted) continue;
    if (before.topic == told.topic || before.is_end()) {
      return util::str(told.topic, " of ", told.batch, " after ", before.topic);
    }
  }
  return std::nullopt;
}

const Announcement* Announcements::end_of(std::string_view batch) const {
  const Announcement* last = nullptr;
  for (const auto& told : all_) {
    if (told.batch == batch && told.is_end()) last = &told;
  }
  return last;
}

}  // namespace sim
