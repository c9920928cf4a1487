#include "tests/cli/fault_log.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <regex>
#include <sstream>
#include <stdexcept>

#include "tests/cli/run_tally.h"

namespace tally {
namespace {

namespace fs = std::filesystem;

void AddPointsOf(const std::string& source, std::set<std::string>* points) {
  // The definitions of the macro are no points. Of others, the name has to be there to be read.
  static const std::regex kPoint(R"re((#define )?TALLY_FAULT_(?:POINT|FAILS)\((?:"([^"]+)"\))?)re");
  for (std::sregex_iterator match(source.begin(), source.end(), kPoint), end; match != end;
       ++match) {
    if ((*match)[1].matched) continue;
    if (!(*match)[2].matched) throw std::runtime_error("a fault point without a plain name");
    points->insert((*match)[2]);
  }
}

}  // namespace

FaultLog::FaultLog(std::string_view text) {
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Visit visit;
    std::string who;
    words >> visit.point >> who >> visit.action;
    if (who != "master") visit.worker = static_cast<uint32_t>(std::stoul(who));
    visits_.push_back(visit);
  }
}

std::map<std::string, uint64_t> FaultLog::Hits(bool of_master) const {
  std::map<std::string, uint64_t> hits;
  for (const Visit& visit : visits_) {
    if (visit.by_master() == of_master) ++hits[visit.point];
  }
  return hits;
}

std::vector<FaultLog::Visit> FaultLog::Faults(std::string_view action) const {
  std::vector<Visit> faults;
  std::copy_if(visits_.begin(), visits_.end(), std::back_inserter(faults),
               [&](const Visit& visit) { return visit.action == action; });
  return faults;
}

std::map<std::string, std::set<uint64_t>> FaultLog::HitsInTakeOvers() const {
  std::set<uint32_t> started;
  std::set<uint32_t> taking_over;
  std::map<std::string, uint64_t> hits;
  std::map<std::string, std::set<uint64_t>> in_take_overs;
  for (const Visit& visit : visits_) {
    if (visit.by_master()) continue;
    const uint64_t hit = ++hits[visit.point];
    const bool is_first_life = visit.point == "start" && started.insert(visit.worker).second;
    if (visit.point == "start" && !is_first_life) taking_over.insert(visit.worker);
    if (!taking_over.contains(visit.worker)) continue;
    in_take_overs[visit.point].insert(hit);
    // One that died before it had started left nothing to take over.
    const bool is_at_work = visit.point == "before-claim" || visit.point == "before-chunk";
    if (visit.point == "started-over" || is_at_work) taking_over.erase(visit.worker);
  }
  return in_take_overs;
}

std::map<std::string, std::set<uint64_t>> FaultLog::HitsInInheritances() const {
  std::set<uint32_t> inheriting;
  std::map<std::string, uint64_t> hits;
  std::map<std::string, std::set<uint64_t>> in_inheritances;
  for (const Visit& visit : visits_) {
    if (visit.by_master()) continue;
    const uint64_t hit = ++hits[visit.point];
    if (visit.point == "inheriting") inheriting.insert(visit.worker);
    if (visit.point == "start") inheriting.erase(visit.worker);  // it died meanwhile
    if (inheriting.contains(visit.worker)) in_inheritances[visit.point].insert(hit);
    if (visit.point == "inherited") inheriting.erase(visit.worker);
  }
  return in_inheritances;
}

int FaultLog::RollBacks() const {
  struct Life {
    bool is_saving = false;
    bool has_saved = false;
  };
  std::map<uint32_t, Life> lives;
  int roll_backs = 0;
  for (const Visit& visit : visits_) {
    if (visit.by_master()) continue;
    Life& life = lives[visit.worker];
    if (visit.point == "saving") life.is_saving = true;
    // A successor that completes a savepoint of its predecessor comes from here to "start-over".
    if (visit.point == "saved") life.has_saved = true;
    if (visit.point == "before-table-saved") life.is_saving = false;
    if (visit.point == "start-over") {
      if (life.has_saved && !life.is_saving) ++roll_backs;
      life.is_saving = false;
    }
  }
  return roll_backs;
}

std::set<std::string> FaultPointsOfTheSource() {
  std::set<std::string> points;
  for (const char* const folder : {"common", "worker", "master"}) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(TALLY_SOURCE_DIR) / folder)) {
      if (entry.is_regular_file()) AddPointsOf(ReadFile(entry.path()), &points);
    }
  }
  return points;
}

}  // namespace tally
