// Figures in the text format of Prometheus (version 0.0.4): families of samples, each sample with its labels.
//
//     Exposition out;
//     out.add("ovs_dp_flows", Exposition::Kind::kGauge, "Flows of a datapath.", {{"datapath", name}}, flows);
//
// Samples of a family may come in any order and from anywhere; they are written together.

#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weft::metrics {

class Exposition {
  public:
    enum class Kind { kCounter, kGauge, kSummary };
    using Labels = std::vector<std::pair<std::string, std::string>>;

    // `name`: letters, digits and underscores.  Of a family, the first `kind` and `help` count.
    void add(const std::string& name, Kind kind, const std::string& help, const Labels& labels, double value);
    // Of a summary's other samples: `suffix` is "_sum" or "_count".
    void add_part(const std::string& name, const std::string& suffix, const Labels& labels, double value);
    std::string text() const;

  private:
    struct Family {
        Kind kind = Kind::kGauge;
        std::string help;
        std::string samples;
    };
    static void append_sample(std::string& out, const std::string& name, const Labels& labels, double value);

    std::map<std::string, Family> families_;
};

}  // namespace weft::metrics
