// Samples of packets that an ACL decided about (ovn-nb(5), ACL:sample_new, ACL:sample_est; IPFIX in the
// switch).
//
// The domain of a sample is the id of the Sampling_App, its point is the Sample's metadata.  Answers do not
// meet the ACL that let the connection in: they are known by the connection's label, which is the ACL's own
// if it has one, else the metadata (docs/decisions/0070-samples-of-acls.md).

#include <fmt/core.h>

#include "northd/features.h"

namespace weft::northd {

namespace {

std::string sample_actions(Program& p, const std::optional<Uuid>& sample, int64_t app) {
    const nb::Sample* row = sample && app ? p.in.samples.get(*sample) : nullptr;
    if (!row) return "";
    std::string out;
    for (const Uuid& uuid : row->collectors) {
        const nb::SampleCollector* collector = p.in.sample_collectors.get(uuid);
        if (!collector || !collector->probability) continue;
        out += fmt::format("sample(probability={},collector_set={},obs_domain={},obs_point={}); ",
                           collector->probability, collector->set_id, app, row->metadata);
    }
    return out;
}

}  // namespace

AclSamples samples_of_acl(Program& p, const nb::ACL& acl) {
    AclSamples out;
    out.label = acl.label;
    if (!acl.sample_new && !acl.sample_est) return out;
    const SamplingApps& apps = p.sampling_apps({});
    out.opening = sample_actions(p, acl.sample_new, apps.acl_new);
    out.established = sample_actions(p, acl.sample_est, apps.acl_established);
    if (!out.label && !out.established.empty()) out.label = p.in.samples.get(*acl.sample_est)->metadata;
    return out;
}

}  // namespace weft::northd
