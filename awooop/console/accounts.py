"""Who signs in, and who may say so: the sign-in form and the operators' accounts."""

from typing import Any, cast

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth import forms
from django.contrib.auth.admin import UserAdmin
from django.forms import TextInput
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import (
    AdminPasswordChangeForm,
    AuthenticationForm,
    UserChangeForm,
    UserCreationForm,
)

from awooop.console.approvals import sidebar
from awooop.kit.redaction import redact
from awooop.tenants.authentication import actor_name
from awooop.tenants.models import Operator, Role

# The theme's own forms run on Alpine, which evaluates expressions; no page with tenant data does.
_allow_theme_scripts = method_decorator(
    csp_update({"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]})
)


class NameInput(TextInput):
    """Shows a name again after a failure, but not a password that was typed in its place."""

    def format_value(self, value: Any) -> str | None:
        """Return what the field shows."""
        return None if redact(value) != value else super().format_value(value)


class SignInForm(AuthenticationForm):
    """Lets in every active account: roles decide what a person sees, ``is_staff`` nothing."""

    error_messages = forms.AuthenticationForm.error_messages

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["username"]
        field.widget = NameInput(attrs=field.widget.attrs)

    def confirm_login_allowed(self, user: Operator) -> None:
        """Refuse only an account that has been switched off.

        :raises ValidationError: the account is not active.
        """
        forms.AuthenticationForm.confirm_login_allowed(self, user)


class OperatorAdmin(UserAdmin, ModelAdmin):
    """Accounts, for platform admins and for a superuser who makes the first of them.

    An account is never deleted, since journals name it: it is switched off. Nobody can switch off
    or demote themselves, so the last admin stays.
    """

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "person", "platform_role", "is_active", "last_login")
    list_filter = ("platform_role", "is_active")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    filter_horizontal = ()
    list_per_page = 50
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("username", "password", "platform_role", "is_active")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "platform_role", "password1", "password2")}),)

    @display(description=_("Person"))
    def person(self, account: Operator) -> str:
        """Return the person's name, or a dash."""
        return account.get_full_name() or "–"

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Operator | None:
        """Return an account that knows who is about to change it."""
        account: Operator | None = super().get_object(request, object_id, from_field)
        if account is not None:
            account.changed_by = actor_name(request.user)
        return account

    def save_model(self, request: HttpRequest, obj: Operator, form: Any, change: bool) -> None:
        """Save an account in the name of who asked."""
        obj.changed_by = actor_name(request.user)
        super().save_model(request, obj, form, change)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Tell whether this person manages accounts."""
        return may_manage(request)

    def has_view_permission(self, request: HttpRequest, obj: Operator | None = None) -> bool:
        """As :func:`may_manage`."""
        return may_manage(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """As :func:`may_manage`."""
        return may_manage(request)

    def has_change_permission(self, request: HttpRequest, obj: Operator | None = None) -> bool:
        """As :func:`may_manage`."""
        return may_manage(request)

    def has_delete_permission(self, request: HttpRequest, obj: Operator | None = None) -> bool:
        """Nobody deletes an account."""
        return False

    def get_readonly_fields(
        self, request: HttpRequest, obj: Operator | None = None
    ) -> tuple[str, ...]:
        """Keep a person from changing their own role or switching themselves off."""
        if obj is not None and obj.pk == request.user.pk:
            return ("platform_role", "is_active")
        return ()

    @_allow_theme_scripts
    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """List accounts, under the theme's policy."""
        return super().changelist_view(request, *args, **kwargs)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add an account; what every page shows is asked before the form's own transaction."""
        sidebar.waiting(request)
        return super().add_view(request, *args, **kwargs)

    @_allow_theme_scripts
    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Add or change an account, under the theme's policy."""
        sidebar.waiting(request)
        return super().changeform_view(request, *args, **kwargs)

    @_allow_theme_scripts
    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show who changed an account, under the theme's policy."""
        return super().history_view(request, *args, **kwargs)

    @_allow_theme_scripts
    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Set another person's password, under the theme's policy."""
        sidebar.waiting(request)
        return super().user_change_password(request, id, form_url)


def person_of(request: HttpRequest) -> Operator:
    """Return who is signed in; for pages behind the site's door only."""
    return cast(Operator, request.user)


def may_manage(request: HttpRequest) -> bool:
    """Tell whether a person manages accounts: a platform-wide admin, or a superuser.

    A superuser is whoever had a shell to run ``createsuperuser``; the flag cannot be set here.
    """
    person = request.user
    if not isinstance(person, Operator) or not person.is_active:
        return False
    return person.is_superuser or person.platform_role == Role.ADMIN
