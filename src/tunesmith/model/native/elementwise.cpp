// The operations between a network's matrix products, each in one pass over its numbers instead of one for every
// multiplication and sum: RMSNorm, rotary embedding, SwiGLU, forward and backward, in fp32. All arrays are contiguous.

#include "vectors.h"

namespace {

// Calls `each(begin, count)` for pieces of at most LANES of [0, n).
template <typename Each>
inline void pieces(int64_t n, Each each) {
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) each(i, static_cast<int64_t>(LANES));
    if (i < n) each(i, n - i);
}

inline Vector get(const float* from, int64_t n) { return n == LANES ? load(from) : load_some(from, n); }
inline void put(float* to, Vector value, int64_t n) {
    if (n == LANES) store(to, value);
    else store_some(to, value, n);
}

}  // namespace

extern "C" {

// out[r] = weight * x[r] * scale[r], scale[r] = 1 / sqrt(mean(x[r]^2) + epsilon); x, out (rows, n), scale (rows,).
void tunesmith_norm(const float* x, const float* weight, int64_t rows, int64_t n, float epsilon, float* out, float* scale, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(rows);
        for (int64_t row = share.begin; row < share.end; ++row) {
            const float* from = x + row * n;
            float* to = out + row * n;
            const float factor = scale[row] = 1.0f / std::sqrt(dot(from, from, n) / static_cast<float>(n) + epsilon);
            pieces(n, [=](int64_t i, int64_t some) { put(to + i, get(weight + i, some) * (get(from + i, some) * factor), some); });
        }
    }
}

// grad_x[r] = scale w g - x scale^3 mean(w g x); grad_weight = sum over rows of g x scale, from one sum for each thread
// (threads, n), which begin as zeros.
void tunesmith_norm_backward(const float* grad, const float* x, const float* weight, const float* scale, int64_t rows, int64_t n,
                             float* grad_x, float* sums, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(rows);
        float* own = sums + omp_get_thread_num() * n;
        for (int64_t row = share.begin; row < share.end; ++row) {
            const float *g = grad + row * n, *from = x + row * n;
            float* to = grad_x + row * n;
            const float factor = scale[row];
            Vector products = {};
            pieces(n, [&](int64_t i, int64_t some) {
                const Vector gradient = get(g + i, some), value = get(from + i, some);
                products += gradient * get(weight + i, some) * value;
                put(own + i, get(own + i, some) + gradient * value * factor, some);
            });
            const float back = factor * factor * factor * sum(products) / static_cast<float>(n);
            pieces(n, [=](int64_t i, int64_t some) {
                put(to + i, get(weight + i, some) * get(g + i, some) * factor - get(from + i, some) * back, some);
            });
        }
    }
}

// Each head of x (rows, heads, n) turned by its row's angles: cosine, sine (rows, n), both halves alike. `direction` -1 turns back.
void tunesmith_rotary(const float* x, const float* cosine, const float* sine, int64_t rows, int64_t heads, int64_t n, float direction,
                      float* out, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(rows);
        const int64_t half = n / 2;
        for (int64_t row = share.begin; row < share.end; ++row) {
            const float *c = cosine + row * n, *s = sine + row * n;
            for (int64_t head = 0; head < heads; ++head) {
                const float* from = x + (row * heads + head) * n;
                float* to = out + (row * heads + head) * n;
                pieces(half, [=](int64_t i, int64_t some) {
                    const Vector a = get(from + i, some), b = get(from + half + i, some);
                    const Vector cos = get(c + i, some), sin = get(s + i, some) * direction;
                    put(to + i, a * cos - b * sin, some);
                    put(to + half + i, b * cos + a * sin, some);
                });
            }
        }
    }
}

// out = silu(gate) * up, for n numbers.
void tunesmith_swiglu(const float* gate, const float* up, int64_t n, float* out, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(n);
        const int64_t begin = share.begin;
        pieces(share.end - begin, [=](int64_t i, int64_t some) {
            const Vector g = get(gate + begin + i, some);
            put(out + begin + i, g / (exponential(-g) + 1.0f) * get(up + begin + i, some), some);
        });
    }
}

// With s = sigmoid(gate): grad_gate = grad up s (1 + gate (1 - s)), grad_up = grad gate s.
void tunesmith_swiglu_backward(const float* grad, const float* gate, const float* up, int64_t n, float* grad_gate, float* grad_up,
                               int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        const Share share(n);
        const int64_t begin = share.begin;
        pieces(share.end - begin, [=](int64_t i, int64_t some) {
            const Vector g = get(gate + begin + i, some), gradient = get(grad + begin + i, some);
            const Vector sigmoid = 1.0f / (exponential(-g) + 1.0f);
            put(grad_gate + begin + i, gradient * get(up + begin + i, some) * sigmoid * (1.0f + g * (1.0f - sigmoid)), some);
            put(grad_up + begin + i, gradient * g * sigmoid, some);
        });
    }
}
}
