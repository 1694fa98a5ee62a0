// The softmax over a vocabulary, row by row: what a loss wants to know of it, and its gradient in the logits' place.

#include <vector>

#include "numbers.h"

namespace {

template <typename Number>
void softmax_row(Number* z, int64_t target, const float* weight, int64_t n, float scale, float* exponentials, float* logprob, float* logsumexp,
                 float* entropy) {
    const float most = largest(z, n, scale);
    Vector sums = {}, products = {};
    pieces(n, [&](int64_t i, int64_t some) {
        const Vector shifted = get(z + i, some) * scale - most;
        Vector value = exponential(shifted);
        for (int64_t j = some; j < LANES; ++j) value[j] = 0.0f;
        put(exponentials + i, value, some);
        sums += value;
        products += value * shifted;
    });
    const float total = sum(sums), log_total = std::log(total);
    *logsumexp = most + log_total;
    *logprob = get(z + target, 1)[0] * scale - most - log_total;  // less is rounded away than with their sum
    if (entropy) *entropy = log_total - sum(products) / total;
    if (!weight) return;
    const float factor = *weight * scale / total;
    const float own = exponentials[target] * factor - *weight * scale;
    pieces(n, [=](int64_t i, int64_t some) { put(z + i, get(exponentials + i, some) * factor, some); });
    put(z + target, Vector{} + own, 1);
}

}  // namespace

extern "C" {

// With p = softmax(scale * z[r]) and y = targets[r]: logprobs[r] = log p[y], logsumexp[r] of scale * z[r], entropy[r] =
// - sum of p log p (none where `entropy` is null). Where `weights` is not null, z[r] becomes weights[r] * scale * (p -
// onehot(y)), the gradient of -weights[r] log p[y]. z (rows, n), of `bytes` (4: fp32, 2: bf16); what is computed is fp32.
void tunesmith_softmax_rows(void* z, const int64_t* targets, const float* weights, int64_t rows, int64_t n, int64_t bytes, float scale,
                            float* logprobs, float* logsumexp, float* entropy, int64_t threads) {
    with_number(bytes, [=](auto number) {
        using Number = decltype(number);
#pragma omp parallel num_threads(threads)
        {
            const Share share(rows);
            std::vector<float> exponentials(static_cast<size_t>(n));
            for (int64_t row = share.begin; row < share.end; ++row)
                softmax_row(static_cast<Number*>(z) + row * n, targets[row], weights ? weights + row : nullptr, n, scale, exponentials.data(),
                            logprobs + row, logsumexp + row, entropy ? entropy + row : nullptr);
        }
    });
}
}
